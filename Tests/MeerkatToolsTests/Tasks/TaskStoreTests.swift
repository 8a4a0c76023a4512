import FoundationEssentials
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Synchronization
import Testing

@testable import MeerkatTools

@Suite struct TaskStores {
    private func store(_ path: String?) -> TaskStore {
        TaskStore(path: path, clock: MachineClock(), ids: SequentialIDs())
    }

    private func contents(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    @Test func theFileIsMadeForReading() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/deeper/still/tasks.json"
            _ = try await TaskCreateTool(store: store(path)).result(["subject": "{\"", "description": "\\"])
            #expect(
                try contents(path) == """
                    {
                      "meta": {
                        "version": 1,
                        "project_id": "00000000-0000-7000-8000-000000000002",
                        "created_at": "2026-01-01T00:00:00.000Z",
                        "store_rev": 1
                      },
                      "tasks": [
                        {
                          "id": "00000000-0000-7000-8000-000000000001",
                          "subject": "{\\"",
                          "description": "\\\\",
                          "status": "pending",
                          "priority": "medium",
                          "labels": [],
                          "blocks": [],
                          "created_at": "2026-01-01T00:00:00.000Z",
                          "updated_at": "2026-01-01T00:00:00.000Z",
                          "created_by_session": "00000000-0000-7000-8000-000000000001",
                          "updated_by_session": "00000000-0000-7000-8000-000000000001"
                        }
                      ]
                    }

                    """)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/deeper/still") == ["tasks.json"])
        }
    }

    @Test func tasksAreKeptForOthersAndRevisionsCount() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/tasks.json"
            let (one, other) = (store(path), store(path))
            let task = try await TaskCreateTool(store: one).result(["subject": "s", "description": "d"])
            #expect(try await TaskListTool(store: other).result([:]) == [task])
            let changed = try await TaskUpdateTool(store: other).result(["id": task["id"] ?? nil, "owner": "me"])
            #expect(try await TaskListTool(store: one).result([:]) == [changed])
            #expect(try await one.read().revision == 2)
            #expect(await TaskUpdateTool(store: one).failure(["id": "none"]) != nil)
            #expect(try await other.read().revision == 2)
        }
    }

    @Test func whatOthersPutIntoTheFileIsKept() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/tasks.json"
            let task = #"""
                {"id":"t","subject":"s","description":"d","status":"pending","priority":"low","labels":[],"blocks":[],
                "created_at":"2026-02-01T12:00:00.123456789+00:00","updated_at":"2026-02-01T12:00:00Z",
                "created_by_session":null,"updated_by_session":null,"estimate":{"days":2.50}}
                """#
            let text = #"{"x":1,"meta":{"version":1,"project_id":"p","created_at":"c","store_rev":7,"y":[2]},"tasks":["#
            try Data((text + task + "]}").utf8).write(to: URL(filePath: path))
            _ = try await TaskUpdateTool(store: store(path)).result(["id": "t", "status": "completed"])
            let list = try JSONValue(json: Array(try contents(path).utf8))
            #expect(list["meta"] == ["version": 1, "project_id": "p", "created_at": "c", "store_rev": 8, "y": [2]])
            #expect(list["x"] == 1)
            let stored = list["tasks"]?.array?.first
            #expect(stored?["estimate"] == (try JSONValue(json: Array(#"{"days":2.50}"#.utf8))))
            #expect(stored?["created_at"] == "2026-02-01T12:00:00.123456789+00:00")
            #expect(stored?["updated_at"] == "2026-01-01T00:00:00.000Z")
            #expect(stored?["created_by_session"] == .null)
        }
    }

    @Test(arguments: [
        "", "{", "[]", "{}", #"{"meta":{},"tasks":[]}"#,
        #"{"meta":{"version":2,"project_id":"p","created_at":"c"},"tasks":[]}"#,
        #"{"meta":{"version":1,"project_id":"p","created_at":"c"},"tasks":[{}]}"#,
    ])
    func aDamagedFileIsLeftAlone(text: String) async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/tasks.json"
            try Data(text.utf8).write(to: URL(filePath: path))
            let error = await TaskCreateTool(store: store(path)).failure(["subject": "s", "description": "d"])
            #expect(error?.code == "execution_failed")
            #expect(error?.message.hasPrefix("the tasks cannot be read, and the file is left as it is: ") == true)
            #expect(await TaskListTool(store: store(path)).failure([:])?.code == "execution_failed")
            #expect(await store(path).openTasks() == nil)
            #expect(try contents(path) == text)
        }
    }

    @Test func writersAtTheSameTimeLoseNothing() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/tasks.json"
            try await withThrowingTaskGroup { group in
                for writer in 0..<8 {
                    group.addTask {
                        let store = TaskStore(path: path, clock: MachineClock())
                        let create = TaskCreateTool(store: store)
                        for number in 0..<12 {
                            _ = try await create.result([
                                "subject": .string("\(writer)-\(number)"), "description": "",
                            ])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let list = try await store(path).read()
            let subjects = (0..<8).flatMap { writer in (0..<12).map { "\(writer)-\($0)" } }
            #expect(list.tasks.map(\.subject).sorted() == subjects.sorted())
            #expect(Set(list.tasks.map(\.id)).count == 96)
            #expect(list.revision == 96)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tasks.json"])
        }
    }

    @Test func aLockThatIsNotGivenUpIsAnError() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/tasks.json"
            let lock = try FileLock(creating: path + ".lock")
            defer { lock.release() }
            let store = TaskStore(path: path, clock: HurryingClock())
            #expect(
                await TaskCreateTool(store: store).failure(["subject": "s", "description": "d"])
                    == .executionFailed("another process has been using \(path) for 10 s"))
        }
    }

    @Test func theWaitForALockEndsWithTheRun() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/tasks.json"
            let lock = try FileLock(creating: path + ".lock")
            defer { lock.release() }
            let store = store(path)
            let call = Task { await TaskCreateTool(store: store).failure(["subject": "s", "description": "d"]) }
            call.cancel()
            #expect(await call.value == .interrupted("the wait for the task file was interrupted"))
        }
    }

    @Test func theOldestCompletedTasksGoFirst() {
        var list = TaskList(projectID: "p", createdAt: "c")
        func task(_ number: Int, _ status: TaskItem.Status) -> TaskItem {
            var task = TaskItem(
                id: "\(number)", subject: "", description: "", at: Timestamp(milliseconds: Int64(number)).text,
                session: nil)
            task.status = status
            return task
        }
        list.tasks = (1...5001).reversed().map { task($0, .completed) }
        list.add(task(0, .pending))
        #expect(list.tasks.count == 5001)
        #expect(list.tasks.map(\.id).contains("1") == false)
        #expect(list.tasks.last?.id == "0")

        list.tasks = [task(1, .completed), task(3, .pending), task(2, .pending)]
        list.tasks += (4...10_001).map { task($0, .pending) }
        list.add(task(0, .pending))
        #expect(list.tasks.count == 10_000)
        #expect(list.tasks.map(\.id).prefix(2) == ["3", "4"])
        #expect(list.tasks.last?.id == "0")
    }
}

/// A clock on which every delay is over at once and has taken a second.
private final class HurryingClock: RuntimeClock {
    private struct Nothing: ScheduledAction {
        func cancel() {}
    }

    private let seconds = Counter()

    var now: Timestamp { Timestamp(milliseconds: 0) }
    var uptime: UInt64 { seconds.value * 1_000_000_000 }

    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> any ScheduledAction {
        seconds.add()
        Task { action() }
        return Nothing()
    }
}

private final class Counter: Sendable {
    private let number = Mutex<UInt64>(0)

    var value: UInt64 { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}
