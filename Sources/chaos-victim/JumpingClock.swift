internal import Meerkat
internal import MeerkatCore
internal import MeerkatIO

/// The machine's clocks, with a time of day that the watching program moves.
///
/// The file holds the milliseconds that are added to the time of day; without one, nothing is.
struct JumpingClock: RuntimeClock {
    let file: String
    private let clock = SystemClock()

    init(file: String) { self.file = file }

    var now: Timestamp { Timestamp(milliseconds: clock.now.milliseconds + offset) }
    var uptime: UInt64 { clock.uptime }

    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
        clock.schedule(after: delay, action)
    }

    private var offset: Int64 {
        guard let bytes = Files.read(file, limit: 32) else { return 0 }
        return Int64(String(decoding: bytes, as: UTF8.self)) ?? 0
    }
}
