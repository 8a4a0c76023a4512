internal import MeerkatCore
internal import MeerkatIO

/// Where the files of a runtime are.
struct Places: Sendable {
    let workingDirectory: String
    let home: String?
    /// The nearest directory at or above the working directory that holds a `.rkat` directory.
    let projectRoot: String?

    init(workingDirectory: String, home: String?) {
        self.workingDirectory = workingDirectory
        self.home = home.flatMap { $0.isEmpty ? nil : $0 }
        var directory = workingDirectory
        while !Directories.isDirectory(directory + "/.rkat"), let slash = directory.lastIndex(of: "/"), directory != "/"
        {
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
        projectRoot = Directories.isDirectory(directory + "/.rkat") ? directory : nil
    }

    /// The folder of the session database; nil when there is no place to keep one.
    func sessionDirectory(_ configuration: Configuration) -> String? {
        let base =
            configuration.storage.directory.map(absolute)
            ?? configuration.store.sessionsPath.map(absolute)
            ?? projectRoot.map { $0 + "/.rkat" }
            ?? home.map { $0 + "/.rkat" }
        return base.map { $0 + "/sessions" }
    }

    /// Where the whole output of a session's commands is kept when it is too long for the conversation.
    func outputDirectory(_ configuration: Configuration, of session: SessionID) -> String {
        (sessionDirectory(configuration) ?? Directories.temporary + "/rkat") + "/output/\(session)"
    }

    func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        if path == "~" || path.hasPrefix("~/"), let home { return home + path.dropFirst() }
        return workingDirectory + "/" + path
    }
}
