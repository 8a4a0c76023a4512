import MeerkatCore
import Synchronization

/// Ids that count from 1.
final class SequentialIDs: IDGenerator {
    private let count = Mutex<UInt64>(0)

    func uniqueID(at time: Timestamp) -> UniqueID {
        count.withLock { count in
            count += 1
            return UniqueID(high: 0x7000, low: 0x8000_0000_0000_0000 | count)
        }
    }
}
