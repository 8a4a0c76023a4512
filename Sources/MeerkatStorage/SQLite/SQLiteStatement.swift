internal import CSQLite
internal import MeerkatCore

/// A prepared statement; parameters and columns are counted as in SQL (from 1) and as in C (from 0).
struct SQLiteStatement {
    let handle: OpaquePointer
    let connection: OpaquePointer

    func reset() { sqlite3_reset(handle) }
    func finalize() { sqlite3_finalize(handle) }

    /// Goes to the next row; false when there is none.
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        case let status:
            let error = StoreError(sqlite: status, on: connection)
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Runs a statement that returns no rows.
    func run() throws(StoreError) {
        while try step() {}
    }

    // MARK: Parameters

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { sqlite3_bind_int64(handle, index, value) } else { sqlite3_bind_null(handle, index) }
    }

    func bind(_ index: Int32, _ value: String?) {
        guard var value else {
            sqlite3_bind_null(handle, index)
            return
        }
        value.withUTF8 { text in
            let start = text.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
            if let start {
                sqlite3_bind_text(handle, index, start, Int32(text.count), Self.copies)
            } else {
                sqlite3_bind_text(handle, index, "", 0, Self.copies)
            }
        }
    }

    func bind(_ index: Int32, _ value: [UInt8]) {
        value.withUnsafeBytes { bytes in
            _ = sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), Self.copies)
        }
    }

    func bind(_ index: Int32, _ id: UniqueID) {
        withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bytes in
            _ = sqlite3_bind_blob64(handle, index, bytes.baseAddress, 16, Self.copies)
        }
    }

    /// Tells SQLite to copy what is bound; its macro for this is a cast that Swift does not import.
    private static let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    // MARK: Columns

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// A number of things, or the place of one; nil for a value that no session can have.
    func count(_ column: Int32) -> Int? {
        let value = int(column)
        return (0...Int64(UInt32.max)).contains(value) ? Int(value) : nil
    }

    /// The bytes of a blob or text, valid until the next step.
    func withBytes<T, E: Error>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws(E) -> T) throws(E) -> T {
        let start = sqlite3_column_blob(handle, column)
        return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func text(_ column: Int32) -> String? {
        isNull(column) ? nil : withBytes(column) { String(decoding: $0, as: UTF8.self) }
    }

    func uniqueID(_ column: Int32) -> UniqueID? {
        withBytes(column) { bytes in
            guard bytes.count == 16 else { return nil }
            return UniqueID(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}
