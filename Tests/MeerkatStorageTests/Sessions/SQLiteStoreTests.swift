import FoundationEssentials
import MeerkatCore
import MeerkatStorage
import Testing

@Suite struct SQLiteStore {
    @Test func anotherStoreReadsWhatOneHasWritten() async throws {
        try await withTemporaryDirectory { directory in
            let first = SQLiteSessionStore(directory: directory)
            var writer = JournalWriter(1)
            try await first.append(writer.begin(run: 1, prompt: "Hello"))
            let second = SQLiteSessionStore(directory: directory)
            #expect(try second.entries(of: writer.id, after: 0, limit: 10) == writer.entries.map { .entry($0) })
            await first.close()
            await second.close()
        }
    }

    @Test func aSessionBelongsToTheProcessThatRunsIt() async throws {
        try await withTemporaryDirectory { directory in
            // Two stores stand for two processes: each holds an owner file of its own.
            let first = SQLiteSessionStore(directory: directory)
            let second = SQLiteSessionStore(directory: directory)
            var writer = JournalWriter(1)
            try await first.append(writer.begin(run: 1, prompt: "Hello"))
            #expect(try second.session(writer.id)?.owner == .otherProcess)
            var intruder = writer
            let append = intruder.begin(run: 2, prompt: "Mine?")
            await #expect(throws: StoreError.ownedElsewhere) { try await second.append(append) }
            await #expect(throws: StoreError.ownedElsewhere) { try await second.delete(writer.id) }
            // The end of the owner frees the session at once.
            await first.close()
            #expect(try second.session(writer.id)?.interruptedRun == writer.run(1))
            try await second.append(append)
            await second.close()
        }
    }

    @Test func aCleanEndLeavesOneFile() async throws {
        try await withTemporaryDirectory { directory in
            let store = SQLiteSessionStore(directory: directory)
            var writer = JournalWriter(1)
            try await store.append(writer.begin(run: 1, prompt: "Hello"))
            _ = try store.list(after: nil, limit: 1)
            await store.close()
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            #expect(files == ["meerkat.db", "owners"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/owners") == [])
            let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/meerkat.db")
            #expect(
                attributes[.posixPermissions] as? UInt16 ?? (attributes[.posixPermissions] as? Int).map { UInt16($0) }
                    == 0o600)
        }
    }

    @Test func whoHasOnlyReadClearsAwayWhatKilledProcessesHaveLeft() async throws {
        try await withTemporaryDirectory { directory in
            let store = SQLiteSessionStore(directory: directory)
            var writer = JournalWriter(1)
            try await store.append(writer.begin(run: 1, prompt: "Hello"))
            await store.close()
            try Data().write(to: URL(filePath: directory + "/owners/killed.lock"))
            let reader = SQLiteSessionStore(directory: directory)
            _ = try reader.list(after: nil, limit: 1)
            await reader.close()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/owners") == [])
        }
    }

    @Test func aDatabaseOfTheFirstVersionIsRaised() async throws {
        try await withTemporaryDirectory { directory in
            let old = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/version-1.db")
            try FileManager.default.copyItem(atPath: old.path, toPath: directory + "/meerkat.db")
            let store = SQLiteSessionStore(directory: directory)
            let stored = try #require(try store.list(after: nil, limit: 10).first)
            #expect(stored.summary.lastText == "ok")
            #expect(stored.summary.restartSeq == 0)
            var state = SessionState(id: stored.summary.id)
            for case .entry(let entry) in try store.entries(of: state.id, after: 0, limit: 100) { state.apply(entry) }
            let entry = Entry(seq: state.lastSeq + 1, at: Timestamp(milliseconds: 1), run: nil, kind: .archived)
            state.apply(entry)
            try await store.append(
                SessionAppend(
                    session: state.id, entries: [entry], summary: SessionSummary(state), ownership: .momentary))
            #expect(try store.session(state.id)?.summary == SessionSummary(state))
            await store.close()
        }
    }

    @Test func readingCreatesNothing() async throws {
        try await withTemporaryDirectory { directory in
            let store = SQLiteSessionStore(directory: directory + "/none")
            let listed = try store.list(after: nil, limit: 1)
            let found = try store.session(JournalWriter(1).id)
            #expect(listed == [])
            #expect(found == nil)
            await store.close()
            #expect(!FileManager.default.fileExists(atPath: directory + "/none"))
        }
    }

    @Test func aFullDiskIsAnErrorAndKeepsWhatWasCommitted() async throws {
        try await withTemporaryDirectory { directory in
            let store = SQLiteSessionStore(directory: directory, maximumPages: 40)
            var writer = JournalWriter(1)
            let claim = try #require(try await store.append(writer.begin(run: 1, prompt: "Hello")))
            let committed = writer.entries
            let append = writer.end(run: 1, text: String(repeating: "x", count: 400_000), under: claim)
            await #expect(throws: StoreError.diskFull) { try await store.append(append) }
            #expect(try store.entries(of: writer.id, after: 0, limit: 10) == committed.map { .entry($0) })
            var other = JournalWriter(2)
            try await store.append(other.begin(run: 1, prompt: "Small"))
            await store.close()
        }
    }

    @Test func oneThatDoesNotFitTakesNoOtherWithIt() async throws {
        try await withTemporaryDirectory { directory in
            let store = SQLiteSessionStore(directory: directory, maximumPages: 60)
            let large = String(repeating: "x", count: 400_000)
            let results = await withTaskGroup(of: Bool.self) { group in
                for number in 1...16 {
                    group.addTask {
                        var writer = JournalWriter(UInt64(number))
                        let append = writer.begin(run: 1, prompt: number == 8 ? large : "small")
                        do throws(StoreError) {
                            try await store.append(append)
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(results == 15)
            await store.close()
        }
    }
}
