import MeerkatCore
import Testing

@Suite struct AsyncSemaphores {
    @Test func thoseWhoWaitAreLetInInTheirOrder() async throws {
        let semaphore = AsyncSemaphore(limit: 1)
        try await semaphore.enter()
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<5 {
            tasks.append(
                Task {
                    try await semaphore.enter()
                    await order.add(number)
                    semaphore.leave()
                })
            while semaphore.waitingCount <= number { await Task.yield() }
        }
        semaphore.leave()
        for task in tasks { try await task.value }
        #expect(await order.numbers == [0, 1, 2, 3, 4])
    }

    @Test func whoeverIsCancelledLeavesItsPlaceToTheNext() async throws {
        let semaphore = AsyncSemaphore(limit: 1)
        try await semaphore.enter()
        let first = Task { try await semaphore.enter() }
        while semaphore.waitingCount < 1 { await Task.yield() }
        let second = Task { try await semaphore.enter() }
        while semaphore.waitingCount < 2 { await Task.yield() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        semaphore.leave()
        try await second.value
        #expect(semaphore.waitingCount == 0)
    }

    @Test func aHigherLimitLetsMoreIn() async throws {
        let semaphore = AsyncSemaphore(limit: 1)
        try await semaphore.enter()
        let waiting = Task { try await semaphore.enter() }
        while semaphore.waitingCount < 1 { await Task.yield() }
        semaphore.setLimit(2)
        try await waiting.value
        semaphore.leave()
        semaphore.leave()
        try await semaphore.enter()
    }

    private actor Order {
        var numbers: [Int] = []
        func add(_ number: Int) { numbers.append(number) }
    }
}
