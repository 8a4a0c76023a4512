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
    private let places: ConfigurationPlaces
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
        let (own, shared) = (home.map { $0 + "/.rkat" }, projectRoot.map { $0 + "/.rkat" })
        // A project's directory may be a link to the user's.
        let isOne = own != nil && Self.isSame(own, shared)
        places = ConfigurationPlaces(
            user: own.map { $0 + "/config.toml" }, secrets: own.map { $0 + "/credentials.toml" },
            project: isOne ? nil : shared.map { $0 + "/config.toml" })
        self.lockPatience = lockPatience
        trust = TrustFile(path: own.map { $0 + "/trusted.json" })
    }

    private static func isSame(_ one: String?, _ other: String?) -> Bool {
        one == other || one.flatMap(Directories.resolved).map { $0 == other.flatMap(Directories.resolved) } ?? false
    }

    // MARK: Reading

    public func current() throws(ConfigError) -> Configuration {
        try load().configuration
    }

    /// The settings of the user's own files, whatever the project says.
    public func userSettings() throws(ConfigError) -> Configuration {
        var places = places
        places.project = nil
        return try ConfigurationFiles(places, trust: trust).below()
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
            let files = try ConfigurationFiles(places, trust: trust)
            let loaded = State(
                stamps: stamps, isSettled: stamps.allSatisfy { $0?.isSettled ?? true },
                configuration: try files.configuration(), untrusted: files.untrusted)
            state = loaded
            return loaded
        }
    }

    private var stamps: [FileStamp?] {
        let files = [places.user, places.secrets, places.project, places.project.flatMap { _ in trust.path }]
        return files.compactMap(\.self).map { FileStamp(of: $0) }
    }

    // MARK: Writing

    public func set(_ object: JSONObject) throws(ConfigError) {
        _ = try write { (layers) throws(ConfigError) in
            try layers.replacing(with: try SecretKeys.restored(object, from: try layers.configuration().object))
        }
    }

    public func patch(_ patch: JSONObject) throws(ConfigError) -> JSONObject {
        try write { (layers) throws(ConfigError) in
            try layers.patching(with: try SecretKeys.restored(patch, from: try layers.configuration().object))
        }.shown
    }

    /// Trusts what was shown of the project file; what was changed in the file since is not trusted.
    public func trust(_ shown: UntrustedKeys) throws(ConfigError) {
        guard let path = places.project, path == shown.file, Directories.fileExists(path) else { return }
        try Self.writing.withLock { (_) throws(ConfigError) in
            let lock = try ConfigurationLock(on: path, patience: lockPatience)
            defer { lock.release() }
            guard let project = try ConfigurationFiles(places, trust: trust).project else { return }
            let keys = project.file.allKeys
            let present = Set((project.sensitive + project.urls).map { ProjectKeys.fingerprint(of: $0, in: keys) })
            let trusted = present.intersection(project.trusted.union(shown.fingerprints))
            try trust.record(trusted, for: ConfigurationFiles.identity(of: path), holding: lock)
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
            var edited = try edit(change)
            var inner: ConfigurationLock?
            defer { inner?.release() }
            if edited.secrets != nil, let path = places.secrets {
                inner = try ConfigurationLock(on: path, patience: lockPatience, holding: lock)
                edited = try edit(change)
            }
            guard edited.isChanged else { return edited.result }
            try save(edited, holding: inner ?? lock)
            forget()
            return edited.result
        }
    }

    /// The file that changes are written to.
    private func place() throws(ConfigError) -> String {
        guard let path = places.project ?? places.user.map({ Directories.resolved($0) ?? $0 }) else {
            throw ConfigError(.noPlace, origin: .file("~"))
        }
        return path
    }

    /// A change, made but not saved.
    private struct Edited {
        /// The file of settings, when it changes.
        var target: ConfigurationFile?
        /// The file of secrets, when it changes.
        var secrets: ConfigurationFile?
        /// What the file of secrets held before.
        var oldSecrets: ConfigurationFile?
        /// What is in force after the change.
        var result: Configuration
        /// What is trusted in the file after it, when that is not the same as before.
        var fingerprints: Set<String>?
        /// What was trusted before.
        var trusted: Set<String> = []

        var isChanged: Bool { target != nil || secrets != nil || fingerprints != nil }
    }

    private func edit(_ change: (ConfigLayers) throws(ConfigError) -> JSONObject) throws(ConfigError) -> Edited {
        let files = try ConfigurationFiles(places, trust: trust)
        guard var target = files.target else { throw ConfigError(.noPlace, origin: .file("~")) }
        let layers = files.layers
        let wanted = try change(layers)
        let edits = ConfigEdit.difference(from: layers.top, to: wanted, keeping: target.ignored)
        let expected = try ConfigLayers(below: layers.below, top: wanted).configuration()
        guard !edits.isEmpty else { return Edited(result: expected) }

        var secrets = files.secrets
        let secretEdits = try Self.apply(edits, to: &target, secrets: &secrets)
        let fingerprints = try trustedFingerprints(in: &target, after: edits, files)
        let result = try files.layers(target.tree, secrets?.tree ?? [:]).configuration()
        guard JSONValue.object(result.object).means(.object(expected.object)) else {
            throw ConfigError(.unwritable("the file must be edited by hand"), origin: .file(target.path))
        }
        let isChanged = target.document.text != files.target?.document.text
        if isChanged, let refusal = files.project?.refusal {
            throw ConfigError(.unwritable(refusal), origin: .file(target.path))
        }
        return Edited(
            target: isChanged ? target : nil, secrets: secretEdits ? secrets : nil, oldSecrets: files.secrets,
            result: result, fingerprints: fingerprints, trusted: files.project?.trusted ?? [])
    }

    /// Makes the changes in the text of the files, each in the one that it belongs to.
    ///
    /// - Returns: Whether secrets have changed.
    private static func apply(
        _ edits: [ConfigEdit], to target: inout ConfigurationFile, secrets: inout ConfigurationFile?
    ) throws(ConfigError) -> Bool {
        var (open, secret): ([ConfigEdit], [ConfigEdit]) = ([], [])
        for edit in edits {
            let isKept = secrets?.allKeys[edit.path] != nil
            let isOpen = target.allKeys[edit.path] != nil
            switch edit {
            case .set(let path, let value) where SecretKeys.contains(path, value):
                guard secrets != nil else { throw ConfigError(.noPlace, key: path, origin: .file("~")) }
                secret.append(edit)
                if isOpen { open.append(.remove(path)) }
            case .set(let path, _):
                open.append(edit)
                if isKept { secret.append(.remove(path)) }
            case .remove:
                if isOpen { open.append(edit) }
                if isKept { secret.append(edit) }
            }
        }
        try target.apply(open)
        try secrets?.apply(secret)
        return !secret.isEmpty
    }

    /// The fingerprints to be recorded after a write: what was trusted before and what was written now.
    private func trustedFingerprints(
        in target: inout ConfigurationFile, after edits: [ConfigEdit], _ files: ConfigurationFiles
    ) throws(ConfigError) -> Set<String>? {
        guard let project = files.project else { return nil }
        let keys = target.allKeys
        var trusted: Set<String> = []
        let sensitive = ProjectKeys.needingTrust(in: keys, below: try files.below())
        for path in sensitive + ProjectKeys.ownURLs(in: keys, below: try files.below()) {
            let fingerprint = ProjectKeys.fingerprint(of: path, in: keys)
            let isWritten = edits.contains { path.starts(with: $0.path) || $0.path.starts(with: path) }
            if isWritten || project.trusted.contains(fingerprint) { trusted.insert(fingerprint) }
        }
        target.ignoreAll(of: sensitive, except: trusted)
        return trusted == project.trusted ? nil : trusted
    }

    /// Writes the files and what is trusted; when one cannot be written, the others are as before.
    private func save(_ edited: Edited, holding lock: ConfigurationLock) throws(ConfigError) {
        var undo: [() -> Void] = []
        do throws(ConfigError) {
            if let fingerprints = edited.fingerprints, let path = places.project {
                let identity = ConfigurationFiles.identity(of: path)
                try trust.record(fingerprints, for: identity, holding: lock)
                // The first failure is the one to be told.
                undo.append { try? self.trust.record(edited.trusted, for: identity, holding: lock) }
            }
            if let secrets = edited.secrets {
                try secrets.save(isPrivate: true)
                undo.append { try? edited.oldSecrets?.save(isPrivate: true) }
            }
            try edited.target?.save()
        } catch {
            for step in undo.reversed() { step() }
            throw error
        }
    }

    /// Makes the next question read the files.
    private func forget() {
        state.withLock { $0 = nil }
    }
}
