import MeerkatCore
import MeerkatIO
import MeerkatJSON

/// What tests call tools with.
enum ToolCalls {
    static let session = SessionID(UniqueID(high: 0x7000, low: 0x8000_0000_0000_0001))
    static let run = RunID(UniqueID(high: 0x7000, low: 0x8000_0000_0000_0002))

    static func context(_ clock: any RuntimeClock = MachineClock()) -> ToolContext {
        ToolContext(session: session, run: run, toolUseID: "call", clock: clock)
    }
}

extension Tool {
    /// The result of a call, read back.
    func result(_ arguments: JSONValue) async throws -> JSONValue {
        let output = try await call(json: RawJSON(encoding: arguments), in: ToolCalls.context())
        guard case .text(let text)? = output.content.first, output.content.count == 1 else { return .null }
        return try JSONValue(json: Array(text.utf8))
    }

    /// How a call fails; nil when it does not.
    func failure(_ arguments: JSONValue) async -> ToolError? {
        do throws(ToolError) {
            _ = try await call(json: RawJSON(encoding: arguments), in: ToolCalls.context())
            return nil
        } catch {
            return error
        }
    }
}

/// A time of day that stands still, and delays that are real.
struct MachineClock: RuntimeClock {
    private struct Timer: ScheduledAction {
        let token: TimerThread.Token

        func cancel() { MachineClock.timers.cancel(token) }
    }

    private static let timers = TimerThread()

    /// 2026-01-01 00:00:00 UTC.
    var now = Timestamp(milliseconds: 1_767_225_600_000)
    var uptime: UInt64 { TimerThread.uptime }

    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
        Timer(token: Self.timers.schedule(after: UInt64(delay / .nanoseconds(1)), action))
    }
}
