public import MeerkatCore
internal import MeerkatIO
public import MeerkatJSON
internal import Synchronization

/// The configuration in `~/.rkat/config.toml` and, over it, in the project's `.rkat/config.toml`.
///
/// Reading creates nothing. Writing changes the project's file, or the user's when there is no project, and in it only
/// the keys that change. Sensitive keys of a project file count only when the user trusts them, which includes all that
/// were written through here.
public final class FileConfigurationStore: ConfigurationStore {
    private let userFile: String?
    private let projectFile: String?
    private let trust: TrustFile
    private let lockPatience: Duration
    private let state = Mutex<State?>(nil)

    /// One writer at a time in this process, whatever store it uses; ``ConfigurationLock`` keeps other processes out.
    private static let writing = Mutex(())

    private struct State {
        var stamps: [FileStamp?]
        /// Whether the files are old enough for their stamps to tell every change.
        var isSettled: Bool
        var configuration: Configuration
        var untrusted: UntrustedKeys?
    }

    /// - Parameters:
    ///   - home: The user's home directory, or nil when there is none.
    ///   - projectRoot: The directory that holds the project's `.rkat`; may be the home directory.
    public convenience init(home: String?, projectRoot: String?) {
        self.init(home: home, projectRoot: projectRoot, lockPatience: .seconds(10))
    }

    /// Makes a store whose changes wait for those of other processes no longer than `lockPatience`.
    init(home: String?, projectRoot: String?, lockPatience: Duration) {
        let home = home.flatMap { $0.isEmpty ? nil : $0 }
        let isHome =
            projectRoot != nil && home.flatMap(Directories.resolved) == projectRoot.flatMap(Directories.resolved)
        userFile = home.map { $0 + "/.rkat/config.toml" }
        projectFile = home != nil && isHome ? nil : projectRoot.map { $0 + "/.rkat/config.toml" }
        self.lockPatience = lockPatience
        trust = TrustFile(path: home.map { $0 + "/.rkat/trusted.json" })
    }

    // MARK: Reading

    public func current() throws(ConfigError) -> Configuration {
        try load().configuration
    }

    /// The keys of the project file that do not count because nobody trusts them; nil when all count.
    public func untrustedKeys() throws(ConfigError) -> UntrustedKeys? {
        try load().untrusted
    }

    private func load() throws(ConfigError) -> State {
        try state.withLock { (state) throws(ConfigError) in
            let stamps = stamps
            if let known = state, known.isSettled, known.stamps == stamps { return known }
            // Taken before reading: a change in between shows the next time.
            let files = try Files(user: userFile, project: projectFile, trust: trust)
            let loaded = State(
                stamps: stamps, isSettled: stamps.allSatisfy { $0?.isSettled ?? true },
                configuration: try files.layers.configuration(), untrusted: files.untrusted)
            state = loaded
            return loaded
        }
    }

    private var stamps: [FileStamp?] {
        let files = [userFile, projectFile, projectFile.flatMap { _ in trust.path }]
        return files.compactMap(\.self).map { FileStamp(of: $0) }
    }

    // MARK: Writing

    public func set(_ object: JSONObject) throws(ConfigError) {
        _ = try write { (layers) throws(ConfigError) in try layers.replacing(with: object) }
    }

    public func patch(_ patch: JSONObject) throws(ConfigError) -> JSONObject {
        try write { (layers) throws(ConfigError) in try layers.patching(with: patch) }.shown
    }

    /// Trusts all that the project file says now.
    public func trustProject() throws(ConfigError) {
        guard let projectFile, Directories.fileExists(projectFile) else { return }
        try Self.writing.withLock { (_) throws(ConfigError) in
            let lock = try ConfigurationLock(on: projectFile, patience: lockPatience)
            defer { lock.release() }
            guard let project = try Files(user: userFile, project: projectFile, trust: trust).project else { return }
            let keys = project.file.allKeys
            let fingerprints = project.sensitive.map { SensitiveKeys.fingerprint(of: $0, in: keys) }
            try trust.record(Set(fingerprints), for: Files.identity(of: project.file.path), holding: lock)
            forget()
        }
    }

    private func write(
        _ change: (ConfigLayers) throws(ConfigError) -> JSONObject
    ) throws(ConfigError) -> Configuration {
        try Self.writing.withLock { (_) throws(ConfigError) in
            let place = try place()
            if !Directories.fileExists(place) {
                // A change that is refused, or changes nothing, leaves no directory behind.
                let rehearsed = try edit(change)
                guard rehearsed.isChanged else { return rehearsed.result }
            }
            let lock = try ConfigurationLock(on: place, patience: lockPatience)
            defer { lock.release() }
            let edited = try edit(change)
            guard edited.isChanged else { return edited.result }
            try save(edited.file, trusting: edited.fingerprints, before: edited.trusted, holding: lock)
            forget()
            return edited.result
        }
    }

    /// The file that changes are written to.
    private func place() throws(ConfigError) -> String {
        guard let path = projectFile ?? userFile.map({ Directories.resolved($0) ?? $0 }) else {
            throw ConfigError(.noPlace, origin: .file("~"))
        }
        return path
    }

    /// A change, made but not saved.
    private struct Edited {
        var file: ConfigurationFile
        /// What is in force after it.
        var result: Configuration
        var isChanged: Bool
        /// What is trusted in the file after it, when that is not the same as before.
        var fingerprints: Set<String>?
        /// What was trusted before.
        var trusted: Set<String> = []
    }

    private func edit(_ change: (ConfigLayers) throws(ConfigError) -> JSONObject) throws(ConfigError) -> Edited {
        let files = try Files(user: userFile, project: projectFile, trust: trust)
        guard var target = files.project?.file ?? files.user else {
            throw ConfigError(.noPlace, origin: .file("~"))
        }
        let layers = files.layers
        let wanted = try change(layers)
        let edits = ConfigEdit.difference(from: layers.top, to: wanted, keeping: target.ignored)
        let expected = try ConfigLayers(below: layers.below, top: wanted).configuration()
        guard !edits.isEmpty else { return Edited(file: target, result: expected, isChanged: false) }

        try target.apply(edits)
        let fingerprints = try trustedFingerprints(in: &target, after: edits, files)
        let result = try ConfigLayers(below: layers.below, top: target.tree).configuration()
        guard JSONValue.object(result.object).means(.object(expected.object)) else {
            throw ConfigError(.unwritable("the file must be edited by hand"), origin: .file(target.path))
        }
        return Edited(
            file: target, result: result, isChanged: true, fingerprints: fingerprints,
            trusted: files.project?.trusted ?? [])
    }

    /// The fingerprints to be recorded after a write: what was trusted before and what was written now.
    private func trustedFingerprints(
        in target: inout ConfigurationFile, after edits: [ConfigEdit], _ files: Files
    ) throws(ConfigError) -> Set<String>? {
        guard let project = files.project else { return nil }
        let keys = target.allKeys
        var trusted: Set<String> = []
        let sensitive = SensitiveKeys.all(in: keys, below: try files.below())
        for path in sensitive {
            let fingerprint = SensitiveKeys.fingerprint(of: path, in: keys)
            let isWritten = edits.contains { path.starts(with: $0.path) || $0.path.starts(with: path) }
            if isWritten || project.trusted.contains(fingerprint) { trusted.insert(fingerprint) }
        }
        target.ignoreAll(of: sensitive, except: trusted)
        return trusted == project.trusted ? nil : trusted
    }

    /// Writes a file and what is trusted in it; when the file cannot be written, trust is as before.
    private func save(
        _ file: ConfigurationFile, trusting fingerprints: Set<String>?, before: Set<String>,
        holding lock: ConfigurationLock
    ) throws(ConfigError) {
        let identity = Files.identity(of: file.path)
        if let fingerprints { try trust.record(fingerprints, for: identity, holding: lock) }
        do throws(ConfigError) {
            try file.save()
        } catch {
            // The first failure is the one to be told.
            if fingerprints != nil { try? trust.record(before, for: identity, holding: lock) }
            throw error
        }
    }

    /// Makes the next question read the files.
    private func forget() {
        state.withLock { $0 = nil }
    }
}

/// Keys of a project file that do not count.
public struct UntrustedKeys: Sendable, Hashable {
    public var file: String
    public var keys: [ConfigPath]

    /// A line for people; of many keys it names the first.
    public var message: String {
        let named = keys.prefix(20).map { String("\($0)".prefix(100)) }.joined(separator: ", ")
        let more = keys.count > 20 ? " and \(keys.count - 20) more" : ""
        return "\(file) is not trusted; ignored: \(named)\(more)"
    }
}

/// Both files, read together.
private struct Files {
    struct Project {
        var file: ConfigurationFile
        var sensitive: [ConfigPath]
        var trusted: Set<String>
    }

    var user: ConfigurationFile?
    var project: Project?

    init(user: String?, project: String?, trust: TrustFile) throws(ConfigError) {
        if let user {
            // A link into a directory of settings is followed, so that writing keeps it.
            let file = try ConfigurationFile(reading: Directories.resolved(user) ?? user)
            try file.check()
            self.user = file
        }
        guard let project else { return }
        var file = try ConfigurationFile(reading: project)
        let sensitive = SensitiveKeys.all(in: file.allKeys, below: try below())
        let trusted = sensitive.isEmpty ? [] : trust.fingerprints(for: Self.identity(of: project))
        file.ignoreAll(of: sensitive, except: trusted)
        try file.check()
        self.project = Project(file: file, sensitive: sensitive, trusted: trusted)
    }

    /// The configuration that the user's file alone makes.
    func below() throws(ConfigError) -> Configuration {
        try Configuration(config: .object(user?.tree ?? JSONObject()))
    }

    var layers: ConfigLayers {
        guard let project else { return ConfigLayers(top: user?.tree ?? JSONObject()) }
        return ConfigLayers(below: user?.tree ?? JSONObject(), top: project.file.tree)
    }

    var untrusted: UntrustedKeys? {
        guard let file = project?.file, !file.ignored.isEmpty else { return nil }
        return UntrustedKeys(file: file.path, keys: file.ignored)
    }

    /// The name under which trust in a file is recorded; the file itself need not exist yet.
    static func identity(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), let folder = Directories.resolved(String(path[..<slash])) else {
            return path
        }
        return folder + path[slash...]
    }
}
