import MeerkatIO
import Testing

@Suite struct ServerSentEventsTests {
    /// What a stream amounts to.
    struct Received: Hashable {
        var name: String
        var data: String

        init(_ data: String, name: String = "") {
            self.name = name
            self.data = data
        }
    }

    /// Cuts `text` into pieces of `size` bytes and returns the events.
    private func split(_ text: String, size: Int, finishing: Bool = true) throws -> [Received] {
        var events = ServerSentEvents()
        var received: [Received] = []
        func keep(_ event: ServerSentEvents.Event) -> Bool {
            received.append(
                Received(String(decoding: event.data, as: UTF8.self), name: String(decoding: event.name, as: UTF8.self))
            )
            return true
        }
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            try piece.withUnsafeBytes { try events.feed($0, keep) }
        }
        if finishing { try events.finish(keep) }
        return received
    }

    static let streams: [(text: String, events: [Received])] = [
        ("data: a\n\ndata: b\n\n", [Received("a"), Received("b")]),
        ("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [Received("a\nb"), Received("c")]),
        ("data: a\rdata: b\r\rdata: c\r\r", [Received("a\nb"), Received("c")]),
        ("data: a\n\r\ndata: b\r\n\n", [Received("a"), Received("b")]),
        ("data:a\ndata:  b\n\n", [Received("a\n b")]),
        ("event: ping\ndata: {}\nid: 7\nretry: 10\n\n", [Received("{}", name: "ping")]),
        ("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", [Received("1", name: "b"), Received("2")]),
        ("event: lost\n\ndata: 1\n\n", [Received("1")]),
        (": comment\n\n:\ndata: a\n: another\ndata: b\n\n", [Received("a\nb")]),
        ("data\ndata\n\ndata:\n\n", [Received("\n"), Received("")]),
        ("data: unterminated", [Received("unterminated")]),
        ("data: unterminated\n", [Received("unterminated")]),
        ("\u{FEFF}data: a\n\ndata: \u{FEFF}b\n\n", [Received("a"), Received("\u{FEFF}b")]),
        ("\u{FEFF}\ndata: a\n\n", [Received("a")]),
        (" data: no field\ndatax: no field\nDATA: no field\n\n", []),
        ("data: grüße 🌍\n\n", [Received("grüße 🌍")]),
        ("\n\n\r\r\n", []),
        ("", []),
        (
            "data: \(String(repeating: "long ", count: 1000))\ndata: x\n\n",
            [
                Received(String(repeating: "long ", count: 1000) + "\nx")
            ]
        ),
    ]

    @Test(arguments: streams.indices, [1, 2, 3, 5, 7, 16, 100_000])
    func cuttingChangesNothing(_ index: Int, size: Int) throws {
        let stream = Self.streams[index]
        #expect(try split(stream.text, size: size) == stream.events)
    }

    @Test func anOpenEventIsHandedOverAtTheEndOnly() throws {
        #expect(try split("data: a\n\ndata: b\n", size: 100, finishing: false) == [Received("a")])
    }

    @Test func anEventThatLiesWholeInTheBytesIsNotCopied() throws {
        let bytes = Array("event: x\ndata: here\n\n".utf8)
        var events = ServerSentEvents()
        try bytes.withUnsafeBytes { buffer in
            try events.feed(buffer) { event in
                #expect(event.data.baseAddress == buffer.baseAddress.map { $0 + 15 })
                #expect(event.isNamed("x"))
                #expect(!event.isNamed("xy"))
                return true
            }
        }
    }

    @Test func nothingIsHandedOverAfterARefusal() throws {
        var events = ServerSentEvents()
        var count = 0
        try Array("data: a\n\ndata: b\n\n".utf8).withUnsafeBytes { bytes in
            try events.feed(bytes) { _ in
                count += 1
                return false
            }
        }
        #expect(count == 1)
    }

    @Test(arguments: ["data: 0123456789", "data: 01234\ndata: 56789\n", ": 0123456789 0123456789"])
    func anEventThatNeverEndsIsRefused(_ text: String) {
        var events = ServerSentEvents(maxEventBytes: 10)
        #expect(throws: ServerSentEvents.TooLong.self) {
            try Array(text.utf8).withUnsafeBytes { bytes in try events.feed(bytes) { _ in true } }
        }
    }
}
