public import MeerkatCore
public import MeerkatIO

/// A provider's endpoint and what it is reached with.
public struct ProviderConnection: Sendable {
    /// As it stands in the configuration.
    public let name: String
    let endpoint: Endpoint
    let transport: any HTTPTransport
    let clock: any RuntimeClock

    /// - Parameters:
    ///   - name: As it stands in the configuration.
    ///   - endpoint: The base URL, and the key that belongs to it.
    ///   - transport: Sends the requests.
    ///   - clock: Measures how long a finished answer's connection is kept, and dates in `Retry-After`.
    public init(name: String, endpoint: Endpoint, transport: any HTTPTransport, clock: any RuntimeClock) {
        self.name = name
        self.endpoint = endpoint
        self.transport = transport
        self.clock = clock
    }

    /// Words for what goes wrong here.
    var failure: ProviderFailure { ProviderFailure(key: endpoint.key, headers: endpoint.headers) }

    /// Makes a model call; what streams goes through `decoder` to `sink`.
    func call(
        _ request: HTTPRequest, decoding decoder: some StreamDecoder, within limits: AnswerLimits,
        into sink: any ModelSink
    ) async throws(ProviderError) -> ModelAnswer {
        try await ModelExchange(decoder, within: limits, sink: sink, failure: failure, clock: clock)
            .run(request, over: transport)
    }
}

/// A provider that is one HTTP API at one endpoint.
public protocol HTTPProvider: ModelProvider {
    var connection: ProviderConnection { get }
}

extension HTTPProvider {
    public var name: String { connection.name }
    public var endpoint: String { connection.endpoint.host }
}
