import Foundation
import MeerkatIO
import Synchronization
import Testing

/// A shell script under supervision whose output can be waited for.
final class RunningCommand: Sendable {
    private struct State {
        var text = ""
        var awaited: (text: String, continuation: CheckedContinuation<Void, Never>)?

        /// Tells who is to be woken.
        mutating func append(_ piece: String) -> CheckedContinuation<Void, Never>? {
            text += piece
            guard let awaited, text.contains(awaited.text) else { return nil }
            self.awaited = nil
            return awaited.continuation
        }
    }

    let process: SupervisedProcess
    private let state: OutputState

    private final class OutputState: Sendable {
        let value = Mutex(State())
    }

    /// The script's processes carry `marker` in their environment.
    init(_ script: String, marker: Marker = Marker(), starts: Bool = true) throws {
        let state = OutputState()
        self.state = state
        process = try SupervisedProcess.prepare(.script(script, environment: marker.environment)) { _, bytes in
            let piece = String(bytes)
            state.value.withLock { $0.append(piece) }?.resume()
        }
        if starts { process.start() }
    }

    var text: String { state.value.withLock { $0.text } }

    /// Waits until the output holds `text`.
    func hasWritten(_ text: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.value.withLock { state in
                if state.text.contains(text) { return true }
                state.awaited = (text, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    static func run(_ script: String, marker: Marker = Marker()) async throws -> (end: ProcessEnd, text: String) {
        let command = try RunningCommand(script, marker: marker)
        let end = await command.process.end()
        return (end, command.text)
    }
}

extension SupervisedCommand {
    static func script(
        _ script: String, environment: [String: String] = [:], in directory: String = "/"
    ) -> SupervisedCommand {
        SupervisedCommand(
            executable: "/bin/sh", arguments: ["-c", script],
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"].merging(environment) { $1 },
            workingDirectory: directory)
    }
}

extension ProcessEnd {
    /// Without the duration, which is different every time.
    static func `is`(_ cause: Cause, wasStopped: Bool = false, left: Int = 0) -> ProcessEnd {
        ProcessEnd(cause: cause, wasStopped: wasStopped, duration: .zero, leftProcesses: left, survivors: 0)
    }

    var untimed: ProcessEnd {
        var end = self
        end.duration = .zero
        return end
    }
}

/// Finds the processes of one test by a variable that all descendants inherit.
struct Marker: Sendable {
    let value = UUID().uuidString

    var environment: [String: String] { ["MEERKAT_TEST_MARKER": value] }

    /// How many processes carry it.
    var count: Int {
        let marker = Array("MEERKAT_TEST_MARKER=\(value)".utf8)
        return Directories.names(in: "/proc").count { name in
            guard Int32(name) != nil, let bytes = Files.read("/proc/\(name)/environ", limit: 1 << 20) else {
                return false
            }
            return bytes.split(separator: 0).contains { $0.elementsEqual(marker) }
        }
    }
}

extension String {
    init(_ bytes: RawSpan) {
        self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// A directory that is there during one test.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        let made = FileManager.default.temporaryDirectory.path + "/meerkat-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
        path = try #require(Directories.resolved(made))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Makes a named pipe.
    func makePipe(_ name: String) throws -> String {
        let pipe = path + "/" + name
        try #require(mkfifo(pipe, 0o600) == 0)
        return pipe
    }
}
