import MeerkatIO
import Testing

@Suite struct BlockingWork {
    @Test func itKeepsNoOtherTaskFromRunning() async throws {
        let gate = Gate()
        gate.close()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...8 {
                group.addTask {
                    try await Blocking.run(orThrow: \.self) { () throws(SystemError) in
                        gate.pass()
                        return number
                    }
                }
            }
            group.addTask {
                gate.open()
                return 0
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 36)
    }

    @Test func itIsPartOfItsTask() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await Blocking.run(orThrow: \.self) { () throws(SystemError) in Task.isCancelled }
        }
        #expect(try await task.value)
    }
}
