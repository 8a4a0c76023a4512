import Meerkat
import MeerkatJSON
import MeerkatProtocol
import MeerkatProviders
import MeerkatTesting
import Synchronization
import Testing

@testable import MeerkatServer

@Suite struct ClientRequests {
    @Test func theServerCanAskTheClient() async throws {
        try await withConnection { connection, sent in
            let answer = Task { try await connection.ask("tool/call", JSONObject()) }
            let request = await sent.next()
            #expect(
                request == ["jsonrpc": "2.0", "id": "rkat-1", "method": "tool/call", "params": .object(JSONObject())])
            receive(#"{"jsonrpc":"2.0","id":"rkat-1","result":{"a": 1.50}}"#, on: connection)
            let text = try await answer.value.text
            #expect(text == #"{"a": 1.50}"#)
        }
    }

    @Test func anErrorOfTheClientIsAnErrorHere() async throws {
        try await withConnection { connection, sent in
            let answer = Task { try await connection.ask("tool/call", JSONObject()) }
            _ = await sent.next()
            receive(#"{"jsonrpc":"2.0","id":"rkat-1","error":{"code":-1,"message":"no"}}"#, on: connection)
            await #expect(throws: RPCError(number: -1, message: "no")) { try await answer.value }
        }
    }

    @Test func theEndOfTheClientIsAnAnswerToo() async throws {
        try await withConnection { connection, sent in
            let answer = Task { try await connection.ask("tool/call", JSONObject()) }
            _ = await sent.next()
            connection.inputEnded()
            await #expect(throws: RPCError.self) { try await answer.value }
        }
    }

    @Test func anAnswerThatNobodyAskedForIsAnInvalidRequest() async throws {
        try await withConnection { connection, sent in
            receive(#"{"jsonrpc":"2.0","id":"rkat-9","result":{}}"#, on: connection)
            #expect(await sent.next()["error"]?["code"] == -32600)
        }
    }

    private func receive(_ line: String, on connection: RPCConnection) {
        Array(line.utf8).withUnsafeBytes { connection.receive($0) }
    }

    private func withConnection(_ body: (RPCConnection, SentLines) async throws -> Void) async throws {
        let sent = SentLines()
        let output = RPCOutput { bytes in
            sent.add(bytes)
            return true
        }
        let clock = TestClock()
        let runtime = MeerkatRuntime(
            MeerkatRuntime.Options(
                environment: [:], workingDirectory: "/nonexistent", isEphemeral: true, clock: clock,
                provider: TestProvider()))
        let connection = RPCConnection(
            runtime: runtime, configuration: runtime.configuration, output: output, clock: clock, ids: SequentialIDs())
        try await body(connection, sent)
        await runtime.close(grace: .zero)
    }
}

/// The lines that were sent, handed out one by one.
final class SentLines: Sendable {
    private let state = Mutex<(lines: [JSONValue], waiting: [CheckedContinuation<JSONValue, Never>])>(([], []))

    func add(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let value = try? JSONValue(json: Array(line)) else { continue }
            let waiting = state.withLock { state -> CheckedContinuation<JSONValue, Never>? in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.lines.append(value)
                return nil
            }
            waiting?.resume(returning: value)
        }
    }

    func next() async -> JSONValue {
        await withCheckedContinuation { continuation in
            let value = state.withLock { state -> JSONValue? in
                guard state.lines.isEmpty else { return state.lines.removeFirst() }
                state.waiting.append(continuation)
                return nil
            }
            if let value { continuation.resume(returning: value) }
        }
    }
}
