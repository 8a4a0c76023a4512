import MeerkatIO
import Testing

@Suite struct BlockingWork {
    @Test func itKeepsNoOtherTaskFromRunning() async {
        let gate = Gate()
        gate.close()
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 1...8 {
                group.addTask {
                    await Blocking.run {
                        gate.pass()
                        return number
                    }
                }
            }
            group.addTask {
                gate.open()
                return 0
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 36)
    }

    @Test func itIsPartOfItsTask() async {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await Blocking.run { Task.isCancelled }
        }
        #expect(await task.value)
    }
}
