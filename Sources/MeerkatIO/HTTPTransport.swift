/// Sends HTTP requests whose answers are consumed while they arrive.
public protocol HTTPTransport: Sendable {
    /// Sends a request and hands the answer to `receiver`; returns when the answer has ended or the receiver stopped it.
    ///
    /// Ends promptly when the task is cancelled, with ``HTTPError/cancelled``. After it returned or threw, `receiver`
    /// is not called any more. Redirects are not followed.
    func send(_ request: HTTPRequest, to receiver: some HTTPReceiver) async throws(HTTPError)
}

/// One request.
public struct HTTPRequest: Sendable {
    public var method: String
    public var url: String
    public var headers: [(name: String, value: String)]
    /// The body in pieces that are sent one after the other; empty for none.
    public var body: [[UInt8]]

    public init(
        method: String = "POST", url: String, headers: [(name: String, value: String)], body: [[UInt8]] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// The status line and headers of an answer.
public struct HTTPHead: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]

    public init(status: Int, headers: [(name: String, value: String)]) {
        self.status = status
        self.headers = headers
    }

    /// The first value of a header; `name` in lower case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }
}

/// Consumes an answer.
///
/// Called on the transport's event loop, one call at a time; must not block.
public protocol HTTPReceiver: AnyObject, Sendable {
    func receive(_ head: HTTPHead)
    /// Takes bytes of the body, already decompressed.
    func receive(_ bytes: RawSpan) -> HTTPFlow
    /// What was read at once has been handed over; not called when the answer ended with it.
    func receiveEndOfRead()
    /// Runs `action` when a pause is over; called after ``HTTPFlow/pause`` was answered.
    func whenReady(_ action: @escaping @Sendable () -> Void)
}

/// How a transport goes on after some bytes.
public enum HTTPFlow: Sendable, Hashable {
    case proceed
    /// Stop reading from the connection until the receiver is ready.
    case pause
    /// The rest is not wanted; the connection is closed.
    case stop
}

/// Why an exchange did not end by itself.
public enum HTTPError: Error, Sendable, Hashable {
    case invalidURL(String)
    /// No connection could be made.
    case connectFailed(String)
    case connectTimedOut
    case tlsFailed(String)
    /// The connection broke after the request was begun.
    case broken(String)
    /// The body came to more bytes, once decompressed, than the transport takes.
    case tooLong
    case cancelled
}
