internal import NIOCore
internal import Synchronization

/// Says whether the connection that a request is being put on has carried another before.
///
/// The HTTP client calls the delegate of a request while the request passes through its connection's pipeline, both on the
/// one event loop of a transport. That is how the two find each other.
final class ConnectionUse: Sendable {
    private enum State: UInt8, AtomicRepresentable {
        case none, first, later
    }

    private let state = Atomic<State>(.none)

    /// Nil unless a request is just being put on a connection.
    var isReused: Bool? {
        switch state.load(ordering: .relaxed) {
        case .none: nil
        case .first: false
        case .later: true
        }
    }

    fileprivate func note(isReused: Bool, during body: () -> Void) {
        state.store(isReused ? .later : .first, ordering: .relaxed)
        defer { state.store(.none, ordering: .relaxed) }
        body()
    }
}

/// Counts the requests of a connection, which pass here on their way from the end of its pipeline.
final class UseCounter: ChannelOutboundHandler {
    typealias OutboundIn = Any

    private let use: ConnectionUse
    private var count = 0

    init(_ use: ConnectionUse) {
        self.use = use
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        count += 1
        use.note(isReused: count > 1) { context.write(data, promise: promise) }
    }
}
