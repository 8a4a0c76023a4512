internal import MeerkatCore
internal import MeerkatIO

/// Where the files of a runtime are.
///
/// What the runtime itself keeps is never below a project, because whoever ships a project could ship it too.
struct Places: Sendable {
    let workingDirectory: String
    let home: String?
    /// The directory that the session works on, without links.
    let projectRoot: String
    /// Whether the project has a `.rkat` of its own.
    let hasSettings: Bool
    /// `RKAT_DATA_DIR`.
    private let givenDirectory: String?
    /// The name of the project's folder in ``userDirectory``.
    private let projectName: String

    init(workingDirectory: String, environment: [String: String]) {
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.init(workingDirectory: workingDirectory, home: given("HOME"), givenDirectory: given("RKAT_DATA_DIR"))
    }

    private init(workingDirectory: String, home: String?, givenDirectory: String?) {
        self.workingDirectory = workingDirectory
        self.home = home
        self.givenDirectory = givenDirectory
        let start = Directories.resolved(workingDirectory) ?? workingDirectory
        let marked = Self.markedRoot(above: start, home: home.map { Directories.resolved($0) ?? $0 })
        projectRoot = marked ?? start
        projectName = Self.name(of: projectRoot)
        hasSettings = marked.map { Directories.isDirectory($0 + "/.rkat") } ?? false
    }

    /// The places of a session that works in another directory.
    func moved(to workingDirectory: String) -> Places {
        Places(workingDirectory: workingDirectory, home: home, givenDirectory: givenDirectory)
    }

    /// The nearest directory at or above `start` with a `.rkat` or a `.git`; never the home or what holds it.
    private static func markedRoot(above start: String, home: String?) -> String? {
        var directory = start
        while directory != home, !(home ?? "").hasPrefix(directory == "/" ? "/" : directory + "/") {
            if Directories.isDirectory(directory + "/.rkat") || Directories.fileExists(directory + "/.git") {
                return directory
            }
            guard let parent = Directories.parent(of: directory) else { return nil }
            directory = parent
        }
        return nil
    }

    /// The user's own `.rkat`.
    var userDirectory: String? { home.map { $0 + "/.rkat" } }

    // MARK: Data

    /// The folder of everything that is kept of the project; nil when there is no place to keep it.
    func dataDirectory(_ configuration: Configuration) -> String? {
        givenDirectory.map(absolute)
            ?? configuration.storage.directory.map(absolute)
            ?? configuration.store.sessionsPath.map(absolute)
            ?? userDirectory.map { "\($0)/projects/\(projectName)" }
    }

    /// Names the folder of a project: for people the end of its path, for certainty a hash of all of it.
    private static func name(of projectRoot: String) -> String {
        let name = projectRoot.utf8.split(separator: UInt8(ascii: "/")).last ?? "root".utf8[...]
        let safe = name.prefix(40).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return "\(String(decoding: safe, as: UTF8.self))-\(SHA256.hex(Array(projectRoot.utf8)).prefix(16))"
    }

    /// The folder of the session database.
    func sessionDirectory(_ configuration: Configuration) -> String? {
        dataDirectory(configuration).map { $0 + "/sessions" }
    }

    /// Where the whole output of a session's commands is kept when it is too long for the conversation.
    func outputDirectory(_ configuration: Configuration, of session: SessionID) -> String {
        (sessionDirectory(configuration) ?? Directories.temporary + "/rkat") + "/output/\(session)"
    }

    /// The file of the project's tasks; nil when there is no place to keep one.
    func taskFile(_ configuration: Configuration) -> String? {
        configuration.store.tasksPath.map(absolute) ?? dataDirectory(configuration).map { $0 + "/tasks.json" }
    }

    /// What no command may see: the data, the settings and the trust records of the runtime.
    func ownDirectories(_ configuration: Configuration) -> [String] {
        [userDirectory, dataDirectory(configuration)].compactMap(\.self)
    }

    /// What no file tool may see; besides ``ownDirectories(_:)``, files that lie elsewhere.
    func ownFiles(_ configuration: Configuration) -> [String] {
        ownDirectories(configuration)
            + [taskFile(configuration), projectRoot + "/.rkat/config.toml"].compactMap(\.self)
    }

    func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if path == "~" || path.hasPrefix("~/"), let home { return home + path.dropFirst() }
        return workingDirectory + "/" + path
    }
}
