internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// One file of the configuration, read.
struct ConfigurationFile {
    let path: String
    var document: TOMLDocument
    /// Sensitive keys that do not count because nobody trusts them.
    var ignored: [ConfigPath] = []

    private static let sizeLimit = 1 << 20

    /// A file of which nothing counts.
    init(empty path: String) throws(ConfigError) {
        self.path = path
        document = try TOMLDocument([], file: path)
    }

    /// Reads a file; one that does not exist has no keys.
    init(reading path: String) throws(ConfigError) {
        self.path = path
        let bytes: [UInt8]?
        do throws(SystemError) {
            bytes = try AtomicFile.contents(of: path, limit: Self.sizeLimit)
        } catch {
            throw ConfigError(.unreadable(error.reason), origin: .file(path))
        }
        document = try TOMLDocument(bytes ?? [], file: path)
    }

    /// What the file says, older spellings replaced.
    var allKeys: JSONObject { Configuration.canonical(document.object) }

    /// What counts of it.
    var tree: JSONObject { allKeys.removing(ignored) }

    /// Checks the types of all keys that count.
    func check() throws(ConfigError) {
        do throws(ConfigError) {
            _ = try Configuration(config: .object(tree))
        } catch {
            throw ConfigError(
                error.reason, key: error.key, origin: .file(path), position: document.position(of: error.key))
        }
    }

    /// Leaves out the sensitive keys that are not among the trusted ones.
    mutating func ignoreAll(of sensitive: [ConfigPath], except trusted: Set<String>) {
        let keys = allKeys
        ignored = sensitive.filter { trusted.isEmpty || !trusted.contains(ProjectKeys.fingerprint(of: $0, in: keys)) }
    }

    // MARK: Writing

    /// Makes changes in the text.
    mutating func apply(_ edits: [ConfigEdit]) throws(ConfigError) {
        for edit in modernizing(edits) + edits {
            do throws(TOMLEditError) {
                switch edit {
                case .set(let path, let value): try document.set(path.names, to: value)
                case .remove(let path): try document.remove(path.names)
                }
            } catch {
                switch error {
                case .unstorable(let problem): throw ConfigError(.invalid(problem.message), key: edit.path)
                case .failed:
                    throw ConfigError(
                        .unwritable("the file must be edited by hand"), key: edit.path, origin: .file(path))
                }
            }
        }
    }

    /// Replaces the older `shell.allowlist` before other keys of the shell are changed.
    private func modernizing(_ edits: [ConfigEdit]) -> [ConfigEdit] {
        let old: ConfigPath = ["shell", "allowlist"]
        guard document.object[old] != nil, edits.contains(where: { $0.path.starts(with: ["shell"]) }) else { return [] }
        let keys = allKeys
        let new: [ConfigPath] = [["shell", "security_patterns"], ["shell", "security_mode"]]
        return [.remove(old)] + new.compactMap { path in keys[path].map { .set(path, $0) } }
    }

    /// Writes the file; a private one is for this user only, whatever it was.
    func save(isPrivate: Bool = false) throws(ConfigError) {
        try PrivateFile.write(document.text, to: path, keepsMode: !isPrivate)
    }
}
