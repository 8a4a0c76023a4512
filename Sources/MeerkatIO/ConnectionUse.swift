internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// Finds the connection that a request is being put on.
///
/// The HTTP client calls the delegate of a request while the request passes through its connection's pipeline, both on the
/// one event loop of a transport. That is how the two find each other.
final class ConnectionUse: Sendable {
    /// One request on its connection.
    final class Turn: Sendable {
        /// Whether the connection has carried another request before.
        let isReused: Bool
        private let isHeard = Atomic<Bool>(false)

        init(isReused: Bool) {
            self.isReused = isReused
        }

        /// Whether any byte has come from the server since the request was put on the connection.
        var hasHeard: Bool { isHeard.load(ordering: .relaxed) }

        fileprivate func hear() { isHeard.store(true, ordering: .relaxed) }
    }

    private let passing = Mutex<Turn?>(nil)

    /// Nil unless a request is just being put on a connection.
    var turn: Turn? { passing.withLock { $0 } }

    fileprivate func note(_ turn: Turn, during body: () -> Void) {
        passing.withLock { $0 = turn }
        defer { passing.withLock { $0 = nil } }
        body()
    }

    /// Watches a connection of HTTP/1.1.
    func watch(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let counter = UseCounter(self)
        try pipeline.addHandler(counter)
        let listener = AnswerListener(counter)
        if let tls = try? pipeline.handler(type: NIOSSLClientHandler.self) {
            try pipeline.addHandler(listener, position: .after(tls))
        } else {
            try pipeline.addHandler(listener, position: .first)
        }
    }
}

/// Counts the requests of a connection, which pass here on their way from the end of its pipeline.
private final class UseCounter: ChannelOutboundHandler {
    typealias OutboundIn = Any

    private let use: ConnectionUse
    private(set) var turn: ConnectionUse.Turn?

    init(_ use: ConnectionUse) {
        self.use = use
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let turn = ConnectionUse.Turn(isReused: turn != nil)
        self.turn = turn
        use.note(turn) { context.write(data, promise: promise) }
    }
}

/// Notes that the server has said something, before anybody has made sense of it.
private final class AnswerListener: ChannelInboundHandler {
    typealias InboundIn = Any

    private let counter: UseCounter

    init(_ counter: UseCounter) {
        self.counter = counter
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        counter.turn?.hear()
        context.fireChannelRead(data)
    }
}
