public import MeerkatCore
public import MeerkatIO
internal import MeerkatJSON
internal import Synchronization

/// Asks an OpenAI-compatible server which models it has.
///
/// Source: <https://platform.openai.com/docs/api-reference/models/list>
public enum ModelList {
    private static let maxBytes = 4 << 20

    /// The ids of the server's models, in its order.
    ///
    /// - Parameters:
    ///   - url: the whole URL, ending in `/models`.
    ///   - headers: what the server wants to see, such as a key.
    ///   - transport: sends the request.
    ///   - clock: measures how long the server may take, 10 s.
    /// - Returns: at least as many as the server names.
    /// - Throws: ``ProviderError`` when there is no such server or it lists nothing.
    public static func models(
        at url: String, headers: [(name: String, value: String)], over transport: any HTTPTransport,
        clock: any RuntimeClock
    ) async throws(ProviderError) -> [String] {
        let receiver = BodyCollector(limit: maxBytes)
        let end = await withTaskGroup(of: Result<Void, HTTPError>?.self) { group in
            group.addTask {
                do throws(HTTPError) {
                    try await transport.send(HTTPRequest(method: "GET", url: url, headers: headers), to: receiver)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await clock.sleep(for: .seconds(10))  // its end is all that matters
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        guard !Task.isCancelled else { throw .cancelled }
        switch end {
        case .success: break
        case .failure(.tooLong): throw tooLarge(url)
        case .failure: throw ProviderError(.connection, "\(url) cannot be reached")
        case nil: throw ProviderError(.timeout, "\(url) has not answered within 10 s")
        }
        let (status, body) = receiver.result
        guard body.count < maxBytes else { throw tooLarge(url) }
        guard status == 200, let list = try? JSONValue(json: body), let data = list["data"]?.array else {
            throw ProviderError(.malformedResponse, "\(url) does not list models", status: status)
        }
        return data.compactMap { $0["id"]?.string }
    }

    private static func tooLarge(_ url: String) -> ProviderError {
        ProviderError(.answerTooLarge, "\(url) lists more than \(maxBytes) bytes")
    }
}

/// Keeps the beginning of a body.
private final class BodyCollector: HTTPReceiver {
    private let limit: Int
    private let state = Mutex<(status: Int, body: [UInt8])>((0, []))

    init(limit: Int) {
        self.limit = limit
    }

    var result: (status: Int, body: [UInt8]) { state.withLock { $0 } }

    func receive(_ head: HTTPHead) {
        state.withLock { $0.status = head.status }
    }

    func receive(_ bytes: RawSpan) -> HTTPFlow {
        state.withLock { state in
            bytes.withUnsafeBytes { state.body.append(contentsOf: $0.prefix(limit - state.body.count)) }
            return state.body.count < limit ? .proceed : .stop
        }
    }

    func receiveEndOfRead() {}

    func whenReady(_ action: @escaping @Sendable () -> Void) { action() }
}
