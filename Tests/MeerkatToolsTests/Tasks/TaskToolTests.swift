import MeerkatCore
import MeerkatJSON
import Testing

@testable import MeerkatTools

@Suite struct TaskTools {
    let store = TaskStore(path: nil, clock: MachineClock(), ids: SequentialIDs())

    static let first = "00000000-0000-7000-8000-000000000001"
    static let session = JSONValue.string("\(ToolCalls.session)")
    static let time: JSONValue = "2026-01-01T00:00:00.000Z"

    @Test func aTaskIsCreatedWithDefaults() async throws {
        let task = try await TaskCreateTool(store: store).result(["subject": "Build", "description": "Build it all"])
        #expect(
            task == [
                "id": .string(Self.first), "subject": "Build", "description": "Build it all", "status": "pending",
                "priority": "medium", "labels": [], "blocks": [], "created_at": Self.time, "updated_at": Self.time,
                "created_by_session": Self.session, "updated_by_session": Self.session,
            ])
    }

    @Test func aTaskIsCreatedWithEverything() async throws {
        let task = try await TaskCreateTool(store: store).result([
            "subject": "Build", "description": "", "priority": "high", "labels": ["ci"], "blocks": ["x"],
            "owner": "ann", "metadata": ["n": 1], "blocked_by": ["y"], "unheard_of": true,
        ])
        #expect(
            task == [
                "id": .string(Self.first), "subject": "Build", "description": "", "status": "pending",
                "priority": "high", "labels": ["ci"], "blocks": ["x"], "blocked_by": ["y"], "created_at": Self.time,
                "updated_at": Self.time, "created_by_session": Self.session, "updated_by_session": Self.session,
                "owner": "ann", "metadata": ["n": 1],
            ])
        #expect(try await TaskGetTool(store: store).result(["id": .string(Self.first)]) == task)
    }

    @Test func nullIsAsGoodAsAbsent() async throws {
        let task = try await TaskCreateTool(store: store).result([
            "subject": "s", "description": "d", "priority": nil, "labels": nil, "blocks": nil, "owner": nil,
            "metadata": nil, "blocked_by": nil,
        ])
        #expect(try await TaskListTool(store: store).result(["status": nil, "labels": nil]) == [task])
    }

    @Test func tasksAreListedInTheOrderOfTheirCreationAndFiltered() async throws {
        let (create, list) = (TaskCreateTool(store: store), TaskListTool(store: store))
        let one = try await create.result(["subject": "1", "description": "", "labels": ["a", "b"]])
        let two = try await create.result(["subject": "2", "description": "", "labels": ["b"]])
        let three = try await create.result(["subject": "3", "description": ""])
        let done = try await TaskUpdateTool(store: store).result(["id": two["id"] ?? nil, "status": "completed"])
        #expect(try await list.result([:]) == [one, done, three])
        #expect(try await list.result(["status": "pending"]) == [one, three])
        #expect(try await list.result(["status": "completed", "labels": ["a"]]) == [])
        #expect(try await list.result(["labels": ["a", "c"]]) == [one])
        #expect(try await list.result(["labels": []]) == [one, done, three])
    }

    @Test func whatIsGivenIsChanged() async throws {
        _ = try await TaskCreateTool(store: store).result([
            "subject": "s", "description": "d", "labels": ["a"], "blocks": ["x", "y"], "blocked_by": ["p"],
            "metadata": ["keep": 1, "drop": 2],
        ])
        let task = try await TaskUpdateTool(store: store).result([
            "id": .string(Self.first), "subject": "S", "status": "in_progress", "priority": "low", "labels": ["b"],
            "owner": "bob", "add_blocks": ["z", "x", "z"], "remove_blocks": ["y", "z"], "add_blocked_by": ["q"],
            "remove_blocked_by": ["p", "q"], "metadata": ["drop": nil, "new": [nil]],
        ])
        #expect(
            task == [
                "id": .string(Self.first), "subject": "S", "description": "d", "status": "in_progress",
                "priority": "low", "labels": ["b"], "blocks": ["x"], "created_at": Self.time, "updated_at": Self.time,
                "created_by_session": Self.session, "updated_by_session": Self.session, "owner": "bob",
                "metadata": ["keep": 1, "new": [nil]],
            ])
    }

    @Test func unknownTasksAreNamed() async {
        let error = ToolError.executionFailed("there is no task \"t9\"")
        #expect(await TaskGetTool(store: store).failure(["id": "t9"]) == error)
        #expect(await TaskUpdateTool(store: store).failure(["id": "t9"]) == error)
        let long = String(repeating: "x", count: 1000)
        #expect(await TaskGetTool(store: store).failure(["id": .string(long)])?.message.utf8.count ?? 1000 < 300)
    }

    @Test func allowedWordsAreNamed() async {
        let error = await TaskCreateTool(store: store).failure(["subject": "", "description": "", "priority": "urgent"])
        #expect(
            error == .invalidArguments("priority: \"urgent\" is not one of low, medium, high (byte 42)"))
        #expect(
            await TaskListTool(store: store).failure(["status": "open"])
                == .invalidArguments("status: \"open\" is not one of pending, in_progress, completed (byte 10)"))
        #expect(
            await TaskCreateTool(store: store).failure(["subject": "s"])
                == .invalidArguments("missing member \"description\" (byte 15)"))
    }

    @Test func openTasksAreGivenWordForWord() async throws {
        #expect(await store.openTasks() == nil)
        let create = TaskCreateTool(store: store)
        let one = try await create.result(["subject": "Ünï", "description": "a\nb"])
        let two = try await create.result(["subject": "2", "description": ""])
        let three = try await create.result(["subject": "3", "description": ""])
        _ = try await TaskUpdateTool(store: store).result(["id": two["id"] ?? nil, "status": "completed"])
        let text = [one, three].map { String(decoding: $0.jsonBytes, as: UTF8.self) }.joined(separator: "\n")
        #expect(await store.openTasks() == text)
    }

    @Test func effectsAreToldTruly() {
        let tools: [any Tool] = [
            TaskCreateTool(store: store), TaskGetTool(store: store), TaskListTool(store: store),
            TaskUpdateTool(store: store),
        ]
        #expect(tools.map(\.effect) == [.once, .pure, .pure, .idempotent])
    }
}
