internal import Synchronization

/// Lets the tools of this process change a file one after the other, so that no change is lost.
enum FileChanges {
    private final class Lane: Sendable {
        let mutex = Mutex(())
    }

    private static let lanes = (0..<64).map { _ in Lane() }

    /// Blocks the calling thread while another change of the same file goes on.
    static func alone<T: Sendable, E: Error>(_ key: String, _ change: () throws(E) -> T) throws(E) -> T {
        let lane = lanes[Int(UInt(bitPattern: key.hashValue) % UInt(lanes.count))]
        return try lane.mutex.withLock { (_) throws(E) in try change() }
    }
}
