internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import Synchronization

/// Remembers, outside every repository, which keys of which project files the user trusts.
///
/// A JSON file: `{"files":{PATH:[FINGERPRINT…]}}`. What is not understood counts as not trusted. Without a path, trust
/// lasts as long as this object.
final class TrustFile: Sendable {
    let path: String?
    private let memory = Mutex<[String: Set<String>]>([:])

    private static let sizeLimit = 16 << 20

    init(path: String?) {
        self.path = path
    }

    /// The fingerprints that are trusted in a file.
    func fingerprints(for file: String) -> Set<String> {
        guard let path else { return memory.withLock { $0[file] ?? [] } }
        return Set((Self.contents(of: path)["files"]?[file]?.array ?? []).compactMap(\.string))
    }

    /// Replaces the fingerprints that are trusted in a file, whose directory is locked by the caller.
    func record(_ fingerprints: Set<String>, for file: String, holding outer: ConfigurationLock) throws(ConfigError) {
        guard let path else { return memory.withLock { $0[file] = fingerprints } }
        // What other files are trusted for may change at the same time.
        let lock = try ConfigurationLock(on: path, patience: outer.patience, holding: outer)
        defer { lock.release() }
        var contents = Self.contents(of: path)
        var files = contents["files"]?.object ?? JSONObject()
        files[file] = .array(fingerprints.sorted().map { .string($0) })
        contents["files"] = .object(files)
        try PrivateFile.write(contents.jsonBytes + [0x0A], to: path)
    }

    private static func contents(of path: String) -> JSONObject {
        // Trust that cannot be read is trust that is not there.
        guard let bytes = try? AtomicFile.contents(of: path, limit: sizeLimit) else { return JSONObject() }
        return (try? JSONObject(json: bytes)) ?? JSONObject()
    }
}

/// Writing files below a `.rkat`.
enum PrivateFile {
    /// Replaces a file, making its directory when there is none.
    static func write(_ bytes: [UInt8], to path: String, keepsMode: Bool = true) throws(ConfigError) {
        do throws(SystemError) {
            try Directories.create(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
            try AtomicFile.replace(path, with: bytes, keepsMode: keepsMode)
        } catch {
            throw ConfigError(.unwritable(error.reason), origin: .file(path))
        }
    }
}
