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
    /// The directory of the data and the file of the tasks, where somebody has chosen them.
    private var chosen: (data: String?, tasks: String?)
    /// The name of the project's folder in ``userDirectory``.
    private let projectName: String
    /// The home directory that the system knows, which may be another one, or known when ``home`` is not.
    private let systemHome: String?

    init(workingDirectory: String, environment: [String: String]) {
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        // A relative home would be in the project.
        let home = given("HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
        self.init(workingDirectory: workingDirectory, home: home, chosen: (nil, nil))
        chosen.data = given("RKAT_DATA_DIR").map(absolute)
    }

    private init(workingDirectory: String, home: String?, chosen: (data: String?, tasks: String?)) {
        self.workingDirectory = workingDirectory
        self.home = home
        self.chosen = chosen
        systemHome = Directories.homeOfUser
        let start = Directories.resolved(workingDirectory) ?? workingDirectory
        let marked = Self.markedRoot(
            above: start, homes: [home, systemHome].compactMap { $0.map { Directories.resolved($0) ?? $0 } })
        projectRoot = marked ?? start
        projectName = Self.name(of: projectRoot)
        hasSettings = marked.map { Directories.isDirectory($0 + "/.rkat") } ?? false
    }

    /// The places with those that the settings choose; they stay the same as long as the runtime lives.
    func chosen(by settings: Configuration) -> Places {
        var places = self
        places.chosen.data =
            chosen.data ?? settings.storage.directory.map(absolute) ?? settings.store.sessionsPath.map(absolute)
        places.chosen.tasks = settings.store.tasksPath.map(absolute)
        return places
    }

    /// Whether the environment alone says where data is.
    var isChosen: Bool { chosen.data != nil }

    /// The places of a session that works in another directory.
    func moved(to workingDirectory: String) -> Places {
        Places(workingDirectory: workingDirectory, home: home, chosen: chosen)
    }

    /// The nearest directory at or above `start` with a `.rkat` or a `.git`; never the home or what holds it.
    private static func markedRoot(above start: String, homes: [String]) -> String? {
        var directory = start
        func isHome(_ home: String) -> Bool {
            home == directory || home.hasPrefix(directory == "/" ? "/" : directory + "/")
        }
        while !homes.contains(where: isHome) {
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

    /// The project's data directory; nil when neither a home nor a configured directory exists.
    var dataDirectory: String? { chosen.data ?? userDirectory.map { "\($0)/projects/\(projectName)" } }

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
    var sessionDirectory: String? { dataDirectory.map { $0 + "/sessions" } }

    /// Where the whole output of a session's commands is kept when it is too long for the conversation.
    func outputDirectory(of session: SessionID) -> String {
        (sessionDirectory ?? Directories.temporary + "/rkat") + "/output/\(session)"
    }

    /// The project's task file; nil without a data directory.
    var taskFile: String? { chosen.tasks ?? dataDirectory.map { $0 + "/tasks.json" } }

    /// What no command may see: the data, the settings and the trust records of the runtime.
    var ownDirectories: [String] {
        let users = [userDirectory, systemHome.map { $0 + "/.rkat" }].compactMap(\.self)
        return users + [chosen.data.map { $0 + "/sessions" }].compactMap(\.self)
    }

    /// What no file tool may see; besides ``ownDirectories``, files that lie elsewhere, or that links lead to.
    var ownFiles: [String] {
        let settings = ["config.toml", "credentials.toml", "trusted.json"].compactMap { name in
            userDirectory.map { "\($0)/\(name)" }
        }
        let tasks = taskFile.map { [$0, $0 + ".lock"] } ?? []
        return ownDirectories + settings + tasks + [projectRoot + "/.rkat/config.toml"]
    }

    func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if path == "~" || path.hasPrefix("~/"), let home { return home + path.dropFirst() }
        return workingDirectory + "/" + path
    }
}
