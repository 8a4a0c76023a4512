import Foundation
import MeerkatJSON
import Testing

/// A recorded exchange with a provider; see the README beside the recordings.
struct Recording: Sendable, CustomTestStringConvertible {
    var name: String
    var status: Int
    var headers: [(name: String, value: String)]
    var model: String
    /// What was sent, where it was recorded.
    var request: JSONValue?
    var body: [UInt8]
    var expected: JSONValue

    var testDescription: String { name }

    /// The folder beside the package; nil when it is not there.
    static let folder: URL? = {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<5 { root.deleteLastPathComponent() }
        let folder = root.appendingPathComponent("shared/recordings")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    static func all(of provider: String) -> [Recording] {
        guard let folder = folder?.appendingPathComponent(provider) else { return [] }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".json") && !$0.contains(".response.") }.sorted().compactMap { file in
            try? Recording(folder, file)
        }
    }

    private init(_ folder: URL, _ file: String) throws {
        let value = try JSONValue(json: Array(Data(contentsOf: folder.appendingPathComponent(file))))
        name = value["name"]?.string ?? file
        status = value["status"]?.int ?? 0
        headers = (value["headers"]?.object?.members ?? []).map { ($0.name, $0.value.string ?? "") }
        request = value["request"]
        model = request?["model"]?.string ?? "model"
        body = try Array(Data(contentsOf: folder.appendingPathComponent(value["body"]?.string ?? "")))
        expected = value["expected"] ?? nil
    }

    /// The body, cut behind each blank line.
    var events: [[UInt8]] {
        var events: [[UInt8]] = []
        var start = 0
        for end in body.indices where end > start && body[end] == UInt8(ascii: "\n") {
            let before = body[end - 1] == UInt8(ascii: "\r") ? end - 2 : end - 1
            guard before >= start, body[before] == UInt8(ascii: "\n") else { continue }
            events.append(Array(body[start...end]))
            start = end + 1
        }
        if start < body.count { events.append(Array(body[start...])) }
        return events
    }

    /// What the model thought.
    ///
    /// The expectations know only summaries; servers that show the thoughts themselves repeat them at the end.
    var thinking: String? {
        let text = expected["thinking"]?.string
        guard text == "", expected["replay"]?.array?.first?["reasoning_id"] != nil else { return text }
        let last = events.reversed().lazy.compactMap { event -> JSONValue? in
            let data = String(decoding: event, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("data:") }
            return data.flatMap { try? JSONValue(json: Array($0.dropFirst(5).utf8)) }
        }.first { $0["response"] != nil }
        let output = last?["response"]?["output"]?.array ?? []
        return output.flatMap { $0["type"] == "reasoning" ? $0["content"]?.array ?? [] : [] }
            .map { $0["text"]?.string ?? "" }.joined()
    }

    func pieces(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: body.count, by: size).map { Array(body[$0..<min($0 + size, body.count)]) }
    }
}
