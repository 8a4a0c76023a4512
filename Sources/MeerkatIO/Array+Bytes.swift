extension [UInt8] {
    /// Calls `body` with the array's memory, like `withUnsafeBytes`, which does not throw typed errors.
    package func withBytes<T, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> T) throws(E) -> T {
        try withUnsafeBufferPointer { (buffer) throws(E) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
