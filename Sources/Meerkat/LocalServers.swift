internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatProviders
internal import Synchronization

/// Finds an OpenAI-compatible server on this machine, once.
final class LocalServers: Sendable {
    struct Found: Sendable, Hashable {
        /// With its version segment.
        var baseURL: String
        var models: [String]
    }

    /// Where local servers usually listen.
    private static let usual = ["http://127.0.0.1:8080/v1", "http://127.0.0.1:11434/v1"]

    private let transport: any HTTPTransport
    private let clock: any RuntimeClock
    private let report: @Sendable (String) -> Void
    private let found = Mutex<Found?>(nil)
    private let isTold = Atomic<Bool>(false)

    init(transport: any HTTPTransport, clock: any RuntimeClock, report: @escaping @Sendable (String) -> Void) {
        self.transport = transport
        self.clock = clock
        self.report = report
    }

    /// The server to be used; its use is reported once.
    func use() async -> Found? {
        guard let server = await discover() else { return nil }
        if !isTold.exchange(true, ordering: .relaxed) {
            report("using the local model server at \(server.baseURL) (\(server.models[0]))")
        }
        return server
    }

    /// The first usual place where a server lists models; nil when none answers within 200 ms in all.
    func discover() async -> Found? {
        if let known = found.withLock({ $0 }) { return known }
        let result = await withTaskGroup(of: (Int, Found)?.self) { group in
            for (index, url) in Self.usual.enumerated() {
                group.addTask { await self.models(at: url).map { (index, Found(baseURL: url, models: $0)) } }
            }
            group.addTask {
                try? await self.clock.sleep(for: .milliseconds(200))  // its end is all that matters
                return nil
            }
            var finds: [(Int, Found)] = []
            var open = Self.usual.count
            for await answer in group {
                if let answer { finds.append(answer) }
                open -= 1
                if open == 0 || answer?.0 == 0 { break }
            }
            group.cancelAll()
            return finds.min { $0.0 < $1.0 }?.1
        }
        if let result { found.withLock { $0 = result } }
        return result
    }

    private func models(at url: String) async -> [String]? {
        // No server is no find.
        let models = try? await ModelList.models(at: url + "/models", headers: [], over: transport, clock: clock)
        return models.flatMap { $0.isEmpty ? nil : $0 }
    }
}
