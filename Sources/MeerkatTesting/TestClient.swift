public import Meerkat
internal import MeerkatIO
public import MeerkatJSON
internal import MeerkatServer
internal import Synchronization

/// A client of a runtime in the same process, over the real protocol: lines in, lines out.
public final class TestClient: Sendable {
    /// The error object of a response.
    public struct Failure: Error, Sendable, Hashable {
        public var error: JSONValue

        public var code: Int? { error["code"]?.int }
        public var name: String? { error["data"]?["code"]?.string }
        public var details: JSONValue? { error["data"]?["details"] }
        public var session: String? { error["data"]?["session_id"]?.string }
    }

    private struct State {
        var lines: [JSONValue] = []
        var nextID = 0
        /// By request id; kept after the answer has come.
        var answers: [JSONValue: AsyncLatch<JSONValue>] = [:]
        var waiters: [(count: Int, matches: @Sendable (JSONValue) -> Bool, latch: AsyncLatch<Void>)] = []
    }

    private let connection: RPCConnection
    private let output: RPCOutput
    private let state: Shared
    private let gate: Gate

    /// The state behind a reference, because the output needs it before the client exists.
    private final class Shared: Sendable {
        let value = Mutex(State())
    }

    init(
        _ runtime: any AgentRuntime, configuration: any ConfigurationStore, clock: any RuntimeClock,
        ids: any IDGenerator
    ) {
        let state = Shared()
        let gate = Gate()
        self.state = state
        self.gate = gate
        output = RPCOutput { bytes in
            gate.pass()
            Self.take(bytes, state)
            return true
        }
        connection = RPCConnection(
            runtime: runtime, configuration: configuration, output: output, clock: clock, ids: ids)
    }

    private static func take(_ bytes: [UInt8], _ shared: Shared) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let value = try? JSONValue(json: Array(line)) else {
                preconditionFailure("the server wrote no JSON")  // a test cannot go on
            }
            let opened = shared.value.withLock { state -> [() -> Void] in
                state.lines.append(value)
                var opened: [() -> Void] = []
                if value["method"] == nil, let id = value["id"], let latch = state.answers[id] {
                    opened.append { latch.open(value) }
                }
                let met = state.waiters.filter { waiter in state.lines.filter(waiter.matches).count >= waiter.count }
                state.waiters.removeAll { waiter in met.contains { $0.latch === waiter.latch } }
                return opened + met.map { waiter in { waiter.latch.open(()) } }
            }
            for open in opened { open() }
        }
    }

    // MARK: Calls

    /// Sends a line as it is.
    public func send(_ line: String) {
        Array(line.utf8).withUnsafeBytes { connection.receive($0) }
    }

    /// Sends a request and returns at once; ``answer(_:)`` gives what comes of it.
    public func request(_ method: String, _ params: JSONValue = [:]) -> JSONValue {
        let id = state.value.withLock { state -> JSONValue in
            state.nextID += 1
            let id = JSONValue.integer(state.nextID)
            state.answers[id] = AsyncLatch()
            return id
        }
        let request: JSONValue = ["jsonrpc": "2.0", "id": id, "method": .string(method), "params": params]
        send(String(decoding: request.jsonBytes, as: UTF8.self))
        return id
    }

    /// The result of a request.
    ///
    /// - Throws: ``Failure`` when it was answered with an error.
    @discardableResult
    public func answer(_ id: JSONValue) async throws(Failure) -> JSONValue {
        guard let latch = state.value.withLock({ $0.answers[id] }) else {
            preconditionFailure("no such request")  // a mistake in the test
        }
        let response = await latch.value
        if let error = response["error"] { throw Failure(error: error) }
        return response["result"] ?? .null
    }

    /// Sends a request and waits for its result.
    @discardableResult
    public func call(_ method: String, _ params: JSONValue = [:]) async throws(Failure) -> JSONValue {
        try await answer(request(method, params))
    }

    /// The error that a request is answered with; nil when it succeeds.
    public func failure(_ method: String, _ params: JSONValue = [:]) async -> Failure? {
        await failure(of: request(method, params))
    }

    /// The error that a request was answered with; nil when it succeeded.
    public func failure(of id: JSONValue) async -> Failure? {
        do throws(Failure) {
            try await answer(id)
            return nil
        } catch {
            return error
        }
    }

    // MARK: What came

    /// Every line so far.
    public var lines: [JSONValue] { state.value.withLock { $0.lines } }

    /// Every event so far, without its envelope.
    public var events: [JSONValue] { lines.compactMap { $0["params"]?["event"] } }

    public var eventNames: [String] { events.compactMap { $0["type"]?.string } }

    /// Waits for the `count`-th event of a type.
    public func waitForEvent(_ type: String, count: Int = 1) async {
        await wait(count) { $0["params"]?["event"]?["type"] == .string(type) }
    }

    private func wait(_ count: Int, for matches: @escaping @Sendable (JSONValue) -> Bool) async {
        let latch = AsyncLatch<Void>()
        let isThere = state.value.withLock { state in
            if state.lines.filter(matches).count >= count { return true }
            state.waiters.append((count, matches, latch))
            return false
        }
        if !isThere { await latch.value }
    }

    // MARK: Reading

    /// Stops reading, as a client does that is busy; the server's writing thread waits.
    public func stopReading() { gate.close() }
    public func continueReading() { gate.open() }

    func end() async {
        gate.open()
        connection.inputEnded()
        await connection.finishRequests()
    }
}

/// Runs `body` with a client of a new runtime that keeps its sessions in memory and looks at no file.
public func withTestClient<T>(
    _ provider: any ModelProvider, store: (any SessionStore)? = nil, clock: any RuntimeClock = TestClock(),
    ids: any IDGenerator = SequentialIDs(), tools: [any Tool] = [], configuration: Configuration = Configuration(),
    _ body: (TestClient) async throws -> T
) async throws -> T {
    let settings = FixedConfiguration(configuration)
    let runtime = MeerkatRuntime(
        MeerkatRuntime.Options(
            environment: [:], workingDirectory: "/nonexistent", isEphemeral: true, clock: clock, ids: ids,
            tools: tools, provider: provider, store: store, configuration: settings))
    let client = TestClient(runtime, configuration: settings, clock: clock, ids: ids)
    let result: Result<T, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await runtime.close(grace: .zero)
    await client.end()
    return try result.get()
}

/// Settings that a test has chosen.
struct FixedConfiguration: ConfigurationStore {
    let configuration: Configuration

    init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    func current() throws(ConfigError) -> Configuration { configuration }
    func set(_ object: JSONObject) throws(ConfigError) { throw ConfigError(.noPlace) }
    func patch(_ patch: JSONObject) throws(ConfigError) -> JSONObject { throw ConfigError(.noPlace) }
}
