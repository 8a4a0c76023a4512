internal import AsyncHTTPClient
internal import MeerkatJSON
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Speaks HTTP/1.1 and HTTP/2 over pooled connections, with TLS, decompression and proxies.
///
/// Nothing is set up before the first request. Answers are handed over on the event loop that read them, one call per
/// body part.
public final class AsyncHTTPTransport: HTTPTransport {
    /// Settings of the environment and the configuration.
    public struct Options: Sendable {
        public var connectTimeout: Duration
        /// Most bytes that the body of a compressed answer may come to.
        public var maxInflatedBytes: Int
        /// A file with the certificates to trust instead of the system's (`SSL_CERT_FILE`).
        public var certificateFile: String?
        public var proxies: ProxySettings

        public init(
            connectTimeout: Duration = .seconds(30), maxInflatedBytes: Int = 64 << 20, certificateFile: String? = nil,
            proxies: ProxySettings = ProxySettings()
        ) {
            self.connectTimeout = connectTimeout
            self.maxInflatedBytes = maxInflatedBytes
            self.certificateFile = certificateFile
            self.proxies = proxies
        }
    }

    private struct Clients {
        var loop: (any EventLoop)?
        var byWay: [Way: HTTPClient] = [:]
    }

    /// How a request gets to its server.
    private struct Way: Hashable {
        /// Nil is the direct way.
        var proxy: ProxySettings.Proxy?
        /// A connection is kept for the next request.
        var isPooled = true
    }

    private let options: Options
    private let clients = Mutex(Clients())
    private let use = ConnectionUse()

    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Sends a request and hands the answer to `receiver`; see ``HTTPTransport/send(_:to:)``.
    ///
    /// A connection that was kept from an earlier request may have been closed by its server. When it breaks soon after a
    /// request was put on it and before anything of an answer has come, the request is sent again, once, over a
    /// connection of its own. One that breaks later may have brought the request to the server, so that is a failure.
    public func send(_ request: HTTPRequest, to receiver: some HTTPReceiver) async throws(HTTPError) {
        guard let location = URLLocation(request.url) else { throw .invalidURL("the URL cannot be used") }
        let proxy = options.proxies.proxy(for: location)
        if proxy != nil || !location.isPlainAddress { try Self.checkThreads() }
        let exchange = HTTPExchange(receiver, use)
        do throws(HTTPError) {
            try await send(request, to: exchange, by: Way(proxy: proxy))
        } catch {
            guard case .broken = error, exchange.hasMetStaleConnection else { throw error }
            var request = request
            request.headers.append(("connection", "close"))
            try await send(request, to: HTTPExchange(receiver, use), by: Way(proxy: proxy, isPooled: false))
        }
    }

    private func send(
        _ request: HTTPRequest, to exchange: HTTPExchange<some HTTPReceiver>, by way: Way
    ) async throws(HTTPError) {
        let outgoing: HTTPClient.Request
        do {
            outgoing = try HTTPClient.Request(
                url: request.url, method: HTTPMethod(rawValue: request.method),
                headers: HTTPHeaders(request.headers.map { ($0.name, $0.value) }), body: Self.body(request.body))
        } catch {
            throw .invalidURL("the URL cannot be used: \(error)")
        }
        let task = try client(for: way).execute(request: outgoing, delegate: exchange)
        let result: Result<Void, any Error> = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                task.futureResult.whenComplete { continuation.resume(returning: $0) }
            }
        } onCancel: {
            task.cancel()
        }
        guard case .failure(let error) = result, !exchange.wasStopped else { return }
        if Task.isCancelled { throw .cancelled }
        throw HTTPError(error)
    }

    /// Ends all connections; requests that are going on fail.
    public func close() async {
        let (byWay, loop) = clients.withLock { clients in
            defer { clients = Clients() }
            return (clients.byWay, clients.loop)
        }
        // Neither has anything to report that a closing program could act on.
        for client in byWay.values { try? await client.shutdown() }
        try? await loop?.shutdownGracefully()
    }

    /// Looking up a host and setting up TLS take threads of libdispatch, which tries for ever to get one and holds the event
    /// loop up meanwhile, and all connections with it.
    ///
    /// - Throws: ``HTTPError/connectFailed(_:)`` when the system refuses a thread now.
    private static func checkThreads() throws(HTTPError) {
        do throws(SystemError) {
            try OSThread.start("probe", stackSize: 64 * 1024) {}
        } catch {
            throw .connectFailed(error.message)
        }
    }

    private func client(for way: Way) throws(HTTPError) -> HTTPClient {
        try clients.withLock { (clients) throws(HTTPError) in
            if let client = clients.byWay[way] { return client }
            let loop: any EventLoop
            if let running = clients.loop {
                loop = running
            } else {
                do throws(SystemError) { loop = try EventLoopThread.start() } catch {
                    throw .connectFailed(error.message)
                }
                clients.loop = loop
            }
            let client = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: configuration(way))
            clients.byWay[way] = client
            return client
        }
    }

    private func configuration(_ way: Way) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = options.certificateFile { tls.trustRoots = .file(file) }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .nanoseconds(options.connectTimeout.clampedNanoseconds)),
            // Quiet well before a minute has passed, and never a cap: how many calls go on at once is decided elsewhere.
            connectionPool: .init(idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 100_000),
            decompression: .enabled(limit: .size(options.maxInflatedBytes)))
        // Whether a failed call is made again is decided by the engine, for all reasons in one place.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { [use] channel in
            channel.eventLoop.makeCompletedFuture {
                try use.watch(channel)
            }
        }
        if !way.isPooled { configuration.httpVersion = .http1Only }
        if let proxy = way.proxy {
            configuration.proxy = .server(
                host: proxy.host, port: proxy.port,
                authorization: proxy.credentials.map { .basic(credentials: $0) })
        }
        return configuration
    }

    /// Small bodies go out in one write; large ones piece by piece, so that a long history is never copied whole.
    private static func body(_ chunks: [[UInt8]]) -> HTTPClient.Body? {
        guard !chunks.isEmpty else { return nil }
        let count = chunks.reduce(0) { $0 + $1.count }
        guard count > 128 * 1024 else {
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            for chunk in chunks { buffer.writeBytes(chunk) }
            return .byteBuffer(buffer)
        }
        return .stream(contentLength: Int64(count)) { writer in write(chunks[...], to: writer) }
    }

    private static func write(
        _ chunks: ArraySlice<[UInt8]>, to writer: HTTPClient.Body.StreamWriter
    ) -> EventLoopFuture<Void> {
        let written = writer.write(.byteBuffer(ByteBuffer(bytes: chunks.first ?? [])))
        guard chunks.count > 1 else { return written }
        return written.flatMap { write(chunks.dropFirst(), to: writer) }
    }
}
