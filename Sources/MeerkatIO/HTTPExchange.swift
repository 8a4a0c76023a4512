internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// One answer on its way from the client library to its receiver.
final class HTTPExchange<Receiver: HTTPReceiver>: HTTPClientResponseDelegate {
    typealias Response = Void

    /// Until when a connection that breaks is taken for one that was closed before the request was put on it.
    private static var stalePeriod: TimeAmount { .seconds(2) }

    private let receiver: Receiver
    private let use: ConnectionUse
    /// The connection that the request was put on, and when.
    private let connection = Mutex<(turn: ConnectionUse.Turn, since: NIODeadline)?>(nil)
    private let hasBrokenSoon = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)
    private let isOver = Atomic<Bool>(false)
    private let awaitsEndOfRead = Atomic<Bool>(false)

    init(_ receiver: Receiver, _ use: ConnectionUse) {
        self.receiver = receiver
        self.use = use
    }

    var wasStopped: Bool { isStopped.load(ordering: .acquiring) }

    /// The connection was kept from an earlier request and broke before anything of an answer came.
    var hasMetStaleConnection: Bool { hasBrokenSoon.load(ordering: .acquiring) }

    func didSendRequestHead(task: HTTPClient.Task<Void>, _ head: HTTPRequestHead) {
        noteConnection()
    }

    private func noteConnection() {
        guard let turn = use.turn else { return }
        connection.withLock { connection in
            if connection == nil { connection = (turn, .now()) }
        }
    }

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
        // A connection that is closed already refuses the request before its head is sent.
        noteConnection()
        guard let (turn, since) = connection.withLock({ $0 }), turn.isReused, !turn.hasHeard,
            .now() - since < Self.stalePeriod
        else { return }
        hasBrokenSoon.store(true, ordering: .releasing)
    }
}
