import FoundationEssentials
import MeerkatCore
import MeerkatTesting
import Testing

/// The whole engine, in several processes on the same journals, in thousands of orders.
///
/// A failure names its seed; with `MEERKAT_SIMULATION_SEED` set to it and `SWIFT_DETERMINISTIC_HASHING=1` it is repeated
/// alone. `MEERKAT_SIMULATION_SEEDS` is how many are tried.
@Suite struct SeveralProcesses {
    private static func variable(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    /// Tried side by side.
    private static let batches: [Range<UInt64>] = {
        if let seed = variable("MEERKAT_SIMULATION_SEED") { return [seed..<seed + 1] }
        let size = (variable("MEERKAT_SIMULATION_SEEDS") ?? 2000) / 8
        return (0..<8).map { $0 * size + 1..<($0 + 1) * size + 1 }
    }()

    @Test(arguments: batches) func keepEveryPromiseInEveryOrder(seeds: Range<UInt64>) throws {
        for seed in seeds {
            let faults = try World(seed: seed).run()
            #expect(faults == [], "seed \(seed)")
            guard faults.isEmpty else { break }
        }
    }
}
