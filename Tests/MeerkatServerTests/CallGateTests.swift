import MeerkatTesting
import Testing

@testable import MeerkatEngine

@Suite struct CallGates {
    @Test func thoseWhoWaitAreLetInInTheirOrder() async throws {
        let gate = CallGate(limit: 1)
        try await gate.enter()
        let order = Order()
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<5 {
            tasks.append(
                Task {
                    try await gate.enter()
                    await order.add(number)
                    gate.leave()
                })
            while gate.waitingCount <= number { await Task.yield() }
        }
        gate.leave()
        for task in tasks { try await task.value }
        #expect(await order.numbers == [0, 1, 2, 3, 4])
    }

    @Test func whoeverIsCancelledLeavesItsPlaceToTheNext() async throws {
        let gate = CallGate(limit: 1)
        try await gate.enter()
        let first = Task { try await gate.enter() }
        while gate.waitingCount < 1 { await Task.yield() }
        let second = Task { try await gate.enter() }
        while gate.waitingCount < 2 { await Task.yield() }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        gate.leave()
        try await second.value
        #expect(gate.waitingCount == 0)
    }

    @Test func aHigherLimitLetsMoreIn() async throws {
        let gate = CallGate(limit: 1)
        try await gate.enter()
        let waiting = Task { try await gate.enter() }
        while gate.waitingCount < 1 { await Task.yield() }
        gate.setLimit(2)
        try await waiting.value
        gate.leave()
        gate.leave()
        try await gate.enter()
    }

    private actor Order {
        var numbers: [Int] = []
        func add(_ number: Int) { numbers.append(number) }
    }
}
