public import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON

/// Where the files of the configuration are.
struct ConfigurationPlaces: Sendable {
    /// The settings of the user.
    var user: String?
    /// The user's secrets, in a file that nobody else reads.
    var secrets: String?
    /// The settings of the project.
    var project: String?
}

/// All files of the configuration, read together.
///
/// The project's count over the user's, and secrets over both.
struct ConfigurationFiles {
    struct Project {
        var file: ConfigurationFile
        /// The keys that count only when they are trusted.
        var sensitive: [ConfigPath]
        /// The base URLs that get a key only when they are trusted.
        var urls: [ConfigPath] = []
        var trusted: Set<String>
        /// Why nothing of the file counts, whoever trusts it.
        var refusal: String?
    }

    var user: ConfigurationFile?
    var secrets: ConfigurationFile?
    var project: Project?

    init(_ places: ConfigurationPlaces, trust: TrustFile) throws(ConfigError) {
        // A link into a directory of settings is followed, so that writing keeps it.
        user = try Self.read(places.user.map { Directories.resolved($0) ?? $0 })
        secrets = try Self.read(places.secrets.map { Directories.resolved($0) ?? $0 })
        guard let path = places.project else { return }
        if let refusal = Self.refusal(of: path) {
            project = Project(file: try ConfigurationFile(empty: path), sensitive: [], trusted: [], refusal: refusal)
            return
        }
        var file = try ConfigurationFile(reading: path)
        let sensitive = ProjectKeys.needingTrust(in: file.allKeys, below: try below())
        let urls = ProjectKeys.ownURLs(in: file.allKeys, below: try below())
        let trusted = sensitive.isEmpty && urls.isEmpty ? [] : trust.fingerprints(for: Self.identity(of: path))
        file.ignoreAll(of: sensitive, except: trusted)
        try file.check()
        project = Project(file: file, sensitive: sensitive, urls: urls, trusted: trusted)
    }

    private static func read(_ path: String?) throws(ConfigError) -> ConfigurationFile? {
        guard let path else { return nil }
        let file = try ConfigurationFile(reading: path)
        try file.check()
        return file
    }

    /// Why a project's file is left alone: somebody else may have written it, or it leads elsewhere.
    private static func refusal(of path: String) -> String? {
        Directories.parent(of: path).flatMap { FileOwnership.problem(of: $0, .directory) }
            ?? FileOwnership.problem(of: path, .file)
    }

    /// The configuration that the user's files alone make.
    func below() throws(ConfigError) -> Configuration {
        try Configuration(config: .object(ConfigLayers(below: user?.tree ?? [:], top: secrets?.tree ?? [:]).merged))
    }

    /// What counts: the upper layer is what a write changes.
    var layers: ConfigLayers { layers(target?.tree ?? [:], secrets?.tree ?? [:]) }

    /// What would count with other contents of the files that a write changes.
    func layers(_ target: JSONObject, _ secrets: JSONObject) -> ConfigLayers {
        let below = project == nil ? JSONObject() : user?.tree ?? [:]
        return ConfigLayers(below: below, top: ConfigLayers(below: target, top: secrets).merged)
    }

    /// The file that a write changes.
    var target: ConfigurationFile? { project?.file ?? user }

    /// The configuration that counts.
    func configuration() throws(ConfigError) -> Configuration {
        var configuration = try layers.configuration()
        for path in urlsWithoutKey {
            configuration.providers.withoutKey.insert(ProjectKeys.provider(of: path, in: configuration))
        }
        return configuration
    }

    /// The base URLs of the project that count and are not trusted with a key.
    private var urlsWithoutKey: [ConfigPath] {
        guard let project else { return [] }
        let keys = project.file.allKeys
        return project.urls.filter { path in
            !project.file.ignored.contains(path)
                && !project.trusted.contains(ProjectKeys.fingerprint(of: path, in: keys))
        }
    }

    var untrusted: UntrustedKeys? {
        guard let project else { return nil }
        let urls = urlsWithoutKey
        guard project.refusal != nil || !project.file.ignored.isEmpty || !urls.isEmpty else { return nil }
        return UntrustedKeys(project.file, urlsWithoutKey: urls, refusal: project.refusal)
    }

    /// The name under which trust in a file is recorded; the file itself need not exist yet.
    static func identity(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), let folder = Directories.resolved(String(path[..<slash])) else {
            return path
        }
        return folder + path[slash...]
    }
}

/// What does not count of a project file.
public struct UntrustedKeys: Sendable, Hashable {
    public var file: String
    /// Why nothing of the file counts, however much it is trusted; nil when only ``keys`` do not count.
    public var refusal: String?
    /// Those by which most harm could be done first.
    public var keys: [ConfigPath]
    /// Base URLs that count, and get no key.
    public var urlsWithoutKey: [ConfigPath]
    /// All of these with their values, as TOML would say it; secrets are not shown.
    public var lines: [String]
    let fingerprints: Set<String>

    init(_ file: ConfigurationFile, urlsWithoutKey: [ConfigPath], refusal: String?) {
        self.file = file.path
        self.refusal = refusal
        self.urlsWithoutKey = urlsWithoutKey
        keys = ProjectKeys.worstFirst(file.ignored)
        let tree = file.allKeys
        lines = (keys + urlsWithoutKey).map { path in
            "\(path) = \(RawJSON(encoding: SecretKeys.masked(tree[path] ?? .null, at: path)).text)"
        }
        fingerprints = Set((keys + urlsWithoutKey).map { ProjectKeys.fingerprint(of: $0, in: tree) })
    }

    /// A line for people; of many keys it names the first.
    public var message: String {
        if let refusal { return "\(file) is ignored: \(refusal)" }
        return ["\(file) is not trusted", Self.named(keys, "ignored"), Self.named(urlsWithoutKey, "without a key")]
            .compactMap(\.self).joined(separator: "; ")
    }

    private static func named(_ keys: [ConfigPath], _ what: String) -> String? {
        guard !keys.isEmpty else { return nil }
        let named = keys.prefix(20).map { String("\($0)".prefix(100)) }.joined(separator: ", ")
        return "\(what): \(named)" + (keys.count > 20 ? " and \(keys.count - 20) more" : "")
    }
}
