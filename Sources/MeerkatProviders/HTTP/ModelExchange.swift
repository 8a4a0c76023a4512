internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import Synchronization

/// One model call over HTTP: feeds the decoder on the event loop and offers what it makes to the sink, once per read of
/// the connection.
final class ModelExchange<Decoder: StreamDecoder>: HTTPReceiver {
    private enum Content {
        /// Nothing has come that tells what the body is.
        case undecided
        case stream
        /// One JSON value instead of a stream; kept until it is whole.
        case json
        /// What a server says about a failure; kept as far as it is of use.
        case failure
    }

    private struct State {
        var stream: EventStreamReader<Decoder>
        var head: HTTPHead?
        var content = Content.undecided
        var body: [UInt8] = []
        /// Bytes of the body so far; bounds everything that is made of them.
        var byteCount = 0
        var batch = EventBatch()
        /// The decoder made sense of something.
        var hasProgress = false
        var error: ProviderError?
        /// Ends the wait for what may follow the answer.
        var timer: (any ScheduledAction)?
        var progress = StreamProgress.underway
        /// Nothing that follows is of use.
        var isComplete = false
    }

    private static var maxFailureBytes: Int { 64 * 1024 }
    /// Text that is offered before the end of a read.
    private static var maxBatchBytes: Int { 256 * 1024 }

    // Taken once per part of the body and never contended: the transport makes one call at a time.
    private let state: Mutex<State>
    private let sending = Mutex<Task<HTTPError?, Never>?>(nil)
    private let limits: AnswerLimits
    private let sink: any ModelSink
    private let failure: ProviderFailure
    private let clock: any RuntimeClock

    init(
        _ decoder: Decoder, within limits: AnswerLimits, sink: any ModelSink, failure: ProviderFailure,
        clock: any RuntimeClock
    ) {
        self.limits = limits
        state = Mutex(State(stream: EventStreamReader(decoder)))
        self.sink = sink
        self.failure = failure
        self.clock = clock
    }

    // MARK: HTTPReceiver

    func receive(_ head: HTTPHead) {
        state.withLock { state in
            state.head = head
            if !(200..<300).contains(head.status) { state.content = .failure }
        }
    }

    func receive(_ bytes: RawSpan) -> HTTPFlow {
        bytes.withUnsafeBytes { bytes in
            state.withLock { state in
                take(bytes, &state)
            }
        }
    }

    func receiveEndOfRead() {
        state.withLock { state in
            offer(&state)
            advance(&state)
        }
    }

    func whenReady(_ action: @escaping @Sendable () -> Void) {
        sink.whenDrained(action)
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ state: inout State) -> HTTPFlow {
        if state.content == .undecided { state.content = Self.content(of: bytes) }
        if state.content == .failure { return keepFailure(bytes, &state) }
        state.byteCount += bytes.count
        guard state.byteCount <= limits.maxBytes else {
            // Behind an answer that is whole it does no harm.
            if state.stream.decoder.progress == .underway { state.error = ProviderFailure.tooLarge(limits) }
            return .stop
        }
        switch state.content {
        case .json:
            state.body.append(contentsOf: bytes)
            return .proceed
        // Blank lines mean nothing in a stream.
        case .stream, .undecided, .failure: break
        }
        do throws(ProviderError) {
            try state.stream.decode(bytes.bytes, into: &state.batch)
        } catch {
            state.error = error
        }
        if state.batch.textBytes > Self.maxBatchBytes { offer(&state) }
        return state.error != nil ? .stop : sink.hasRoom ? .proceed : .pause
    }

    /// When the answer is whole, the end of the body is waited for a little only: it brings accounting, if that has not
    /// come yet, and a connection that can be used again.
    private func advance(_ state: inout State) {
        let progress = state.stream.decoder.progress
        guard progress != .underway else { return }
        let isComplete = progress == .ended || state.stream.decoder.usage != nil
        guard progress > state.progress || isComplete != state.isComplete else { return }
        (state.progress, state.isComplete) = (progress, isComplete)
        state.timer?.cancel()
        state.timer = clock.schedule(after: isComplete ? .milliseconds(250) : .seconds(30)) {
            [weak self] in
            self?.stopWaiting()
        }
    }

    private func stopWaiting() {
        sending.withLock { $0 }?.cancel()
    }

    private func keepFailure(_ bytes: UnsafeRawBufferPointer, _ state: inout State) -> HTTPFlow {
        state.body.append(contentsOf: bytes.prefix(Self.maxFailureBytes - state.body.count))
        return state.body.count < Self.maxFailureBytes ? .proceed : .stop
    }

    /// What kind of body begins with `bytes`: the first byte decides, because servers mislabel what they send.
    private static func content(of bytes: UnsafeRawBufferPointer) -> Content {
        switch bytes.first(where: { $0 > 0x20 }) {
        case nil: .undecided
        case UInt8(ascii: "{"), UInt8(ascii: "["): .json
        case UInt8(ascii: "<"): .failure
        default: .stream
        }
    }

    private func offer(_ state: inout State) {
        guard !state.batch.isEmpty || state.batch.hasProgress else { return }
        state.hasProgress = true
        // Whether there is room is asked when the transport may be told to wait.
        _ = sink.offer(state.batch)
        state.batch.removeAll()
    }

    // MARK: The call

    /// Makes the call and returns the answer.
    func run(_ request: HTTPRequest, over transport: any HTTPTransport) async throws(ProviderError) -> ModelAnswer {
        let sending = Task(executorPreference: RuntimeExecutor.preferred) { () -> HTTPError? in
            do throws(HTTPError) {
                try await transport.send(request, to: self)
                return nil
            } catch {
                return error
            }
        }
        self.sending.withLock { $0 = sending }
        let error = await withTaskCancellationHandler {
            await sending.value
        } onCancel: {
            sending.cancel()
        }
        self.sending.withLock { $0 = nil }
        return try state.withLock { (state) throws(ProviderError) in
            state.timer?.cancel()
            // An answer that is whole is one, whatever happens to what may follow it.
            if Task.isCancelled, state.stream.decoder.progress == .underway { throw .cancelled }
            return try answer(after: error, &state)
        }
    }

    private func answer(after error: HTTPError?, _ state: inout State) throws(ProviderError) -> ModelAnswer {
        defer { offer(&state) }
        do throws(ProviderError) {
            if let error = state.error { throw error }
            guard let head = state.head, state.content != .failure else { throw refusal(error, state) }
            if let error, state.stream.decoder.progress == .underway { throw failure.error(error) }
            if state.content == .json { try state.stream.decode(whole: state.body, into: &state.batch) }
            return try finish(&state, head)
        } catch {
            throw error.with(usage: state.stream.decoder.usage)
        }
    }

    private func finish(_ state: inout State, _ head: HTTPHead) throws(ProviderError) -> ModelAnswer {
        do throws(ProviderError) {
            return try state.stream.finish(into: &state.batch)
        } catch {
            let type = head.header("content-type") ?? ""
            guard error.reason == .incomplete, !state.hasProgress, !type.isEmpty, !type.contains("event-stream") else {
                throw error
            }
            throw ProviderFailure.malformed("its content type is \(failure.clean(type))")
        }
    }

    /// The error of an answer that was not meant to be one.
    private func refusal(_ error: HTTPError?, _ state: State) -> ProviderError {
        guard let head = state.head else {
            return failure.error(error ?? .broken("the server did not answer"))
        }
        guard !(200..<300).contains(head.status) else {
            return ProviderFailure.malformed("it is a web page; is the base URL right?")
        }
        return failure.error(head, body: state.body, now: clock.now)
    }
}

extension ProviderError {
    fileprivate func with(usage: Usage?) -> ProviderError {
        var error = self
        error.usage = error.usage ?? usage
        return error
    }
}
