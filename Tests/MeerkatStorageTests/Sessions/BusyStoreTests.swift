import CSQLite
import MeerkatCore
import MeerkatIO
import MeerkatStorage
import Testing

@Suite struct BusyStores {
    /// Holds the write lock of a database as another process does.
    private final class Holder {
        private var handle: OpaquePointer?

        init(_ path: String) {
            sqlite3_open(path, &handle)
            sqlite3_exec(handle, "BEGIN IMMEDIATE", nil, nil, nil)
        }

        func release() {
            sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
            sqlite3_close(handle)
        }
    }

    @Test func allWhoWaitAreRefusedWhenTheirTimeIsOver() async throws {
        try await withTemporaryDirectory { directory in
            let store = SQLiteSessionStore(directory: directory, lockPatience: .milliseconds(200))
            var first = JournalWriter(1)
            try await store.append(first.begin(run: 1, prompt: "Hello"))
            let holder = Holder(directory + "/meerkat.db")
            let start = TimerThread.uptime
            await withTaskGroup(of: Void.self) { group in
                for number in 2..<202 {
                    group.addTask {
                        var writer = JournalWriter(UInt64(number))
                        let append = writer.begin(run: 1, prompt: "x")
                        await #expect(throws: StoreError.busy) { try await store.append(append) }
                    }
                }
            }
            // One after the other they would have taken 40 s.
            #expect(TimerThread.uptime - start < 20_000_000_000)
            holder.release()
            var late = JournalWriter(300)
            try await store.append(late.begin(run: 1, prompt: "x"))
            await store.close()
        }
    }
}
