import Foundation
import MeerkatIO
import Synchronization
import Testing

@Suite struct OutputBuffers {
    /// What a buffer of at most ten characters makes of the pieces.
    private func keep(
        _ pieces: [[UInt8]], fileLimit: Int = 1 << 20, in directory: ScratchDirectory
    ) -> OutputBuffer.Text {
        var buffer = OutputBuffer(limit: 10, file: directory.path + "/made/output", fileLimit: fileLimit)
        for piece in pieces { buffer.append(piece.span.bytes) }
        return buffer.finish()
    }

    @Test func theOldestOutputsMakeRoomForNewOnes() throws {
        let directory = try ScratchDirectory()
        try Data(count: 40).write(to: URL(filePath: directory.path + "/before"))
        let quota = OutputQuota(directory: directory.path, limit: 100)
        let keep = { (name: String, size: Int) in
            var buffer = OutputBuffer(limit: 10, file: "\(directory.path)/\(name)", quota: quota)
            buffer.append([UInt8](repeating: 0x61, count: size).span.bytes)
            return buffer.finish()
        }
        #expect(keep("one", 60).file == directory.path + "/one")
        #expect(quota.takeRemoved() == [])
        #expect(keep("two", 30).file == directory.path + "/two")
        #expect(quota.takeRemoved() == [directory.path + "/before"])
        let large = keep("three", 150)
        #expect(quota.takeRemoved() == [directory.path + "/one", directory.path + "/two"])
        #expect(large.text.contains("the first 100 bytes are in"))
        #expect(Directories.names(in: directory.path) == ["three"])
    }

    @Test func outputsThatAreBeingWrittenKeepTheirRoom() throws {
        let directory = try ScratchDirectory()
        let quota = OutputQuota(directory: directory.path, limit: 100)
        var one = OutputBuffer(limit: 10, file: directory.path + "/one", quota: quota)
        one.append([UInt8](repeating: 0x61, count: 100).span.bytes)
        var two = OutputBuffer(limit: 10, file: directory.path + "/two", quota: quota)
        two.append([UInt8](repeating: 0x62, count: 50).span.bytes)
        #expect(two.finish().file == nil)
        #expect(one.finish().file == directory.path + "/one")
        #expect(Directories.names(in: directory.path) == ["one"])
    }

    @Test(arguments: ["", "short", "exactly 10", "äöü€😀äöü€😀"])
    func aShortTextIsKeptAsItIs(_ text: String) throws {
        let directory = try ScratchDirectory()
        let kept = keep([Array(text.utf8)], in: directory)
        #expect(kept == OutputBuffer.Text(text: text, isLossy: false, leftOut: 0, file: nil))
        #expect(!Directories.fileExists(directory.path + "/made"))
    }

    @Test(arguments: 1...7)
    func charactersMayBeSplitBetweenPieces(_ size: Int) throws {
        let directory = try ScratchDirectory()
        let text = "aä€😀b"
        let bytes = Array(text.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(keep(pieces, in: directory) == OutputBuffer.Text(text: text, isLossy: false, leftOut: 0, file: nil))
    }

    @Test(arguments: [1, 3, 1000])
    func aLongTextKeepsItsEndsAndGoesToAFile(_ size: Int) throws {
        let directory = try ScratchDirectory()
        let text = "äbcdé" + String(repeating: "€x", count: 500) + "vwxyß"
        let bytes = Array(text.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        let kept = keep(pieces, in: directory)
        let file = directory.path + "/made/output"
        #expect(
            kept
                == OutputBuffer.Text(
                    text: "äbcdé\n[… 1000 characters left out; the whole is in \(file) …]\nvwxyß", isLossy: false,
                    leftOut: 1000, file: file))
        #expect(Files.read(file, limit: 1 << 20) == bytes)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let parent = try FileManager.default.attributesOfItem(atPath: directory.path + "/made")
        #expect(parent[.posixPermissions] as? Int == 0o700)
    }

    @Test(arguments: [
        ([[0x61, 0xFF, 0x62]], "a\u{FFFD}b"),
        ([[0x61, 0xE2, 0x82], [0x62]], "a\u{FFFD}b"),
        ([[0x61, 0xE2, 0x82]], "a\u{FFFD}"),
        ([[0x80], [0x80]], "\u{FFFD}\u{FFFD}"),
        ([[0xED, 0xA0, 0x80]], "\u{FFFD}\u{FFFD}\u{FFFD}"),
    ])
    func whatIsNotUTF8IsReplacedAndTold(_ pieces: [[UInt8]], _ text: String) throws {
        let kept = keep(pieces, in: try ScratchDirectory())
        #expect(kept == OutputBuffer.Text(text: text, isLossy: true, leftOut: 0, file: nil))
    }

    @Test func theFileHoldsWhatCameByteForByte() throws {
        let directory = try ScratchDirectory()
        let bytes = [UInt8](repeating: 0xFF, count: 20)
        let kept = keep([Array(bytes[..<8]), Array(bytes[8...])], in: directory)
        #expect(kept.isLossy && kept.leftOut == 10)
        #expect(Files.read(try #require(kept.file), limit: 100) == bytes)
    }

    @Test func theFileHasALimit() throws {
        let directory = try ScratchDirectory()
        let kept = keep([Array("0123456789".utf8), Array("abcdefghij".utf8)], fileLimit: 15, in: directory)
        let file = directory.path + "/made/output"
        #expect(kept.text == "01234\n[… 10 characters left out; the first 15 bytes are in \(file) …]\nfghij")
        #expect(Files.read(file, limit: 100) == Array("0123456789abcde".utf8))
    }

    @Test func withoutAFileTheTextIsMerelyShorter() {
        var buffer = OutputBuffer(limit: 2, file: "/proc/none/output")
        buffer.append(Array("abcd".utf8).span.bytes)
        #expect(
            buffer.finish()
                == OutputBuffer.Text(text: "a\n[… 2 characters left out …]\nd", isLossy: false, leftOut: 2, file: nil))
    }

    #if os(Linux)
        @Test func aHundredMegabytesNeedLittleMemory() async {
            await #expect(processExitsWith: .success) {
                let directory = try ScratchDirectory()
                let buffer = Mutex(OutputBuffer(file: directory.path + "/output"))
                let script = "head -c 100000000 /dev/zero | tr '\\0' x"
                let before = try memory()
                let process = try SupervisedProcess.prepare(.script(script)) { _, bytes in
                    buffer.withLock { $0.append(bytes) }
                }
                process.start()
                #expect(await process.end().untimed == .is(.exited(status: 0)))
                let kept = buffer.withLock { $0.finish() }
                #expect(kept.leftOut == 99_900_000)
                #expect(kept.text.utf8.count < 101_000)
                let attributes = try FileManager.default.attributesOfItem(atPath: try #require(kept.file))
                #expect(attributes[.size] as? Int == 100_000_000)
                #expect(try memory() - before < 16_384)
            }
        }
    #endif
}

/// Most kilobytes that the process has had in memory so far.
private func memory() throws -> Int {
    let status = String(decoding: try #require(Files.read("/proc/self/status", limit: 1 << 16)), as: UTF8.self)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.split(whereSeparator: { !$0.isNumber }).first ?? ""))
}
