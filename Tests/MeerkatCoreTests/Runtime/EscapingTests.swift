import MeerkatCore
import Synchronization
import Testing

@Suite struct Escaping {
    @Test(arguments: [
        ("plain text, 100 %", "plain text, 100 %"), ("Grüße 👋 日本", "Grüße 👋 日本"),
        ("a\u{1B}[2Jb", #"a\u{1B}[2Jb"#), ("one\r\ntwo\n", #"one\u{D}\u{A}two\u{A}"#),
        ("\u{202E}txt.exe\u{2066}", #"\u{202E}txt.exe\u{2066}"#), ("\u{9B}31m\u{7F}\0", #"\u{9B}31m\u{7F}\u{0}"#),
        ("a\u{2028}b\u{200B}c\u{FEFF}", #"a\u{2028}b\u{200B}c\u{FEFF}"#),
    ])
    func whatATerminalObeysIsShownInstead(text: String, escaped: String) {
        #expect(text.escapedForTerminal == escaped)
        #expect(escaped.escapedForTerminal == escaped)
    }

    @Test func aLogHasALineForEachTrace() {
        let lines = Mutex<[String]>([])
        let log = Log(level: .info, clock: Midnight()) { line in lines.withLock { $0.append(line) } }
        log(.error, "failed: \u{1B}]0;x\u{7}\n2026-01-01T00:00:00.000Z INFO all is well")
        #expect(
            lines.withLock { $0 } == [
                #"1970-01-01T00:00:00.000Z ERROR failed: \u{1B}]0;x\u{7}\u{A}2026-01-01T00:00:00.000Z INFO all is well"#
            ])
    }

    private struct Midnight: RuntimeClock {
        struct Nothing: ScheduledAction {
            func cancel() {}
        }

        let now = Timestamp(milliseconds: 0)
        let uptime: UInt64 = 0

        func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
            Nothing()
        }
    }
}
