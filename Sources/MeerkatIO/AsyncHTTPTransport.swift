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
        /// A file with the certificates to trust instead of the system's (`SSL_CERT_FILE`).
        public var certificateFile: String?
        public var proxies: ProxySettings

        public init(
            connectTimeout: Duration = .seconds(30), certificateFile: String? = nil,
            proxies: ProxySettings = ProxySettings()
        ) {
            self.connectTimeout = connectTimeout
            self.certificateFile = certificateFile
            self.proxies = proxies
        }
    }

    private struct Clients {
        var loop: (any EventLoop)?
        /// By proxy, nil being the direct one.
        var byProxy: [ProxySettings.Proxy?: HTTPClient] = [:]
    }

    private let options: Options
    private let clients = Mutex(Clients())

    public init(_ options: Options = Options()) {
        self.options = options
    }

    public func send(_ request: HTTPRequest, to receiver: some HTTPReceiver) async throws(HTTPError) {
        let exchange = HTTPExchange(receiver)
        let outgoing: HTTPClient.Request
        do {
            outgoing = try HTTPClient.Request(
                url: request.url, method: HTTPMethod(rawValue: request.method),
                headers: HTTPHeaders(request.headers.map { ($0.name, $0.value) }), body: Self.body(request.body))
        } catch {
            throw .invalidURL("the URL cannot be used: \(error)")
        }
        guard let location = URLLocation(request.url) else { throw .invalidURL("the URL cannot be used") }
        let proxy = options.proxies.proxy(for: location)
        if proxy != nil || !location.isPlainAddress { try Self.checkThreads() }
        let task = try client(for: proxy).execute(request: outgoing, delegate: exchange)
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
        let (byProxy, loop) = clients.withLock { clients in
            defer { clients = Clients() }
            return (clients.byProxy, clients.loop)
        }
        // Neither has anything to report that a closing program could act on.
        for client in byProxy.values { try? await client.shutdown() }
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

    private func client(for proxy: ProxySettings.Proxy?) throws(HTTPError) -> HTTPClient {
        try clients.withLock { (clients) throws(HTTPError) in
            if let client = clients.byProxy[proxy] { return client }
            let loop: any EventLoop
            if let running = clients.loop {
                loop = running
            } else {
                do throws(SystemError) { loop = try EventLoopThread.start() } catch {
                    throw .connectFailed(error.message)
                }
                clients.loop = loop
            }
            let client = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: configuration(proxy))
            clients.byProxy[proxy] = client
            return client
        }
    }

    private func configuration(_ proxy: ProxySettings.Proxy?) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = options.certificateFile { tls.trustRoots = .file(file) }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .nanoseconds(options.connectTimeout.clampedNanoseconds)),
            // Quiet well before a minute has passed, and never a cap: how many calls go on at once is decided elsewhere.
            connectionPool: .init(idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 100_000),
            decompression: .enabled(limit: .none))
        // Whether a failed call is made again is decided by the engine, for all reasons in one place.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let proxy {
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

/// One answer on its way from the client library to its receiver.
private final class HTTPExchange<Receiver: HTTPReceiver>: HTTPClientResponseDelegate {
    typealias Response = Void

    private let receiver: Receiver
    private let isStopped = Atomic<Bool>(false)
    private let isOver = Atomic<Bool>(false)
    private let awaitsEndOfRead = Atomic<Bool>(false)

    init(_ receiver: Receiver) {
        self.receiver = receiver
    }

    var wasStopped: Bool { isStopped.load(ordering: .acquiring) }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        receiver.receive(HTTPHead(status: Int(head.status.code), headers: head.headers.map { ($0.name, $0.value) }))
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        guard !wasStopped else { return task.eventLoop.makeSucceededVoidFuture() }
        announceEndOfRead(on: task.eventLoop)
        switch buffer.withUnsafeReadableBytes({ receiver.receive($0.bytes) }) {
        case .proceed:
            return task.eventLoop.makeSucceededVoidFuture()
        case .pause:
            let promise = task.eventLoop.makePromise(of: Void.self)
            receiver.whenReady { promise.succeed() }
            return promise.futureResult
        case .stop:
            isStopped.store(true, ordering: .releasing)
            task.cancel()
            return task.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// The event loop gets to what it was asked to do once everything that it has read is handed over.
    private func announceEndOfRead(on eventLoop: any EventLoop) {
        guard !awaitsEndOfRead.exchange(true, ordering: .relaxed) else { return }
        eventLoop.execute { [self] in
            awaitsEndOfRead.store(false, ordering: .relaxed)
            if !isOver.load(ordering: .relaxed) { receiver.receiveEndOfRead() }
        }
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {
        isOver.store(true, ordering: .relaxed)
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        isOver.store(true, ordering: .relaxed)
    }
}

extension HTTPError {
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as HTTPClientError where error == .cancelled: self = .cancelled
        case let error as HTTPClientError where error == .connectTimeout: self = .connectTimedOut
        case let error as HTTPClientError where error == .tlsHandshakeTimeout:
            self = .tlsFailed("the TLS handshake took too long")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            self = .broken("the server closed the connection")
        case let error as HTTPClientError: self = .broken(error.shortDescription)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: self = .tlsFailed(Self.words(forTLS: error))
        case let error as NIOConnectionError:
            let first = error.connectionErrors.first.map { "\($0.error)" }
            self = .connectFailed("cannot connect to \(error.host):\(error.port)" + (first.map { ": \($0)" } ?? ""))
        case let error as ChannelError:
            if case .connectTimeout = error { self = .connectTimedOut } else { self = .broken("\(error)") }
        case is HTTPParserError: self = .broken("the answer broke off or is not HTTP")
        case let error as IOError: self = .broken(error.description)
        default: self = .broken("\(type(of: error))")
        }
    }

    /// What went wrong with TLS; the descriptions of the library name files of the machine that it was built on.
    private static func words(forTLS error: any Error) -> String {
        if error as? NIOSSLExtraError == .failedToValidateHostname {
            return "the server's certificate is for another host"
        }
        guard let text = "\(error)".split(separator: " at ").first, text.contains("OPENSSL_internal:"),
            let reason = text.split(separator: ":").last
        else { return error is NIOSSLExtraError ? "the TLS handshake failed" : "the TLS connection broke" }
        switch reason.prefix(while: { !$0.isWhitespace }) {
        case "CERTIFICATE_VERIFY_FAILED": return "the server's certificate is not trusted"
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST": return "the server does not speak TLS"
        case let other: return "the TLS handshake failed: \(other.lowercased().replacing("_", with: " "))"
        }
    }
}
