internal import MeerkatCore
internal import MeerkatIO

/// Makes the rules for the commands of a session.
struct ShellSandbox: Sendable {
    let settings: Configuration.Shell
    /// The project, or what stands for it.
    let root: String
    /// Stands for the project when that is too much.
    let start: String
    let home: String?
    /// The variable that names the directories of programs.
    let path: String
    /// Directories of the runtime itself.
    let hidden: [String]
    /// Holds outputs that commands may read.
    let outputDirectory: String
    let scratch: ScratchDirectory
    let places: SandboxPlaces

    /// Makes the rules for a command.
    ///
    /// - Parameter directory: where the command starts, without links.
    /// - Returns: the rules, and the variables that the command gets because of them; nil when commands are not confined.
    /// - Throws: ``ToolError/executionFailed(_:)`` when no temporary directory can be made or something cannot be protected.
    func rules(in directory: String) throws(ToolError) -> (SandboxRules, variables: [String: String])? {
        guard settings.sandbox != .off else { return nil }
        let system = SystemSandbox.current
        let home = [home, UserHomes.own].lazy.compactMap { $0.flatMap { places.resolved($0) } }.first
        let hidden = hidden.compactMap { existing($0, home) }
        let writable = places.writable(projects(home, hidden) + expand(settings.writable, home))
        let temporary = try temporary(outside: writable)
        let toolchains = toolchains(home, hidden, writable)
        let configured = expand(settings.readable, home).compactMap { places.resolved($0, outside: writable) }
        let settingsOfGit = home.map { home in SandboxPaths.readableAtHome.map { "\(home)/\($0)" } } ?? []
        var rules = SandboxRules(
            readable: (SandboxPaths.system + settingsOfGit).compactMap { places.resolved($0, outside: writable) }
                + toolchains + configured,
            writable: writable + (temporary.map { [$0 + "/tmp", $0 + "/shm"] } ?? []),
            devices: SandboxPaths.devices.compactMap { places.resolved($0, outside: writable) },
            allowsNetwork: settings.allowsNetwork, isRequired: settings.sandbox == .required)
        var protections = Protections(writable: writable)
        for place in ancestors(of: directory, to: writable) { protections.protectRepository(place) }
        for path in hidden where system.landlockVersion == 0 || path.isBelow(writable + toolchains + configured) {
            protections.hide(path)
        }
        for path in toolchains {
            for name in SandboxPaths.secretsOfToolchains[path.lastName] ?? [] { protections.hide("\(path)/\(name)") }
        }
        if let home, writable.contains(home) { protections.protectHome(home) }
        for path in SandboxPaths.services { protections.hide(path) }
        let ownsTemporary = system.canMount && !isUsed("/tmp", writable + toolchains + configured)
        if let temporary, system.canMount {
            protections.replace("/dev/shm", with: temporary + "/shm")
            if ownsTemporary { protections.replace("/tmp", with: temporary + "/tmp") }
        }
        if let path = protections.unprotected {
            throw .executionFailed(
                "\(path.quoted) cannot be protected from commands: a directory above it may not be searched")
        }
        rules.protections = protections.all
        // Outputs are hidden with what is around them where that lies within the project.
        if let outputs = places.resolved(outputDirectory, outside: writable) { rules.readable.append(outputs) }
        return (rules, temporary.map { ["TMPDIR": ownsTemporary ? "/tmp" : $0 + "/tmp"] } ?? [:])
    }

    /// The directory of the session; without one, commands can still run unless all of the sandbox is required.
    private func temporary(outside writable: [String]) throws(ToolError) -> String? {
        do throws(ToolError) { return try scratch.path(outside: writable) } catch {
            guard settings.sandbox == .auto else { throw error }
            return nil
        }
    }

    /// What the directories of `PATH` stand for, where no command could have changed what is there.
    private func toolchains(_ home: String?, _ hidden: [String], _ writable: [String]) -> [String] {
        let homes = (UserHomes.all + [home, UserHomes.own].compactMap(\.self)).compactMap { places.resolved($0) }
            .filter { $0 != "/" }
        return path.split(separator: ":").compactMap { places.resolved(String($0), outside: writable) }
            .flatMap { SandboxPaths.toolchain($0, homes: home == nil ? [] : homes) }
            .compactMap { places.resolved($0, outside: writable) }
            .filter { path in !hidden.contains { path.isWithin($0) } }
    }

    /// What belongs to the runtime and may be made later by a command must be there to be hidden.
    private func existing(_ path: String, _ home: String?) -> String? {
        if let resolved = Directories.resolved(path) { return resolved }
        if Directories.mayExist(path) { return path }
        guard let root = Directories.resolved(root), path.isWithin(root) || home.map({ path.isWithin($0) }) ?? false
        else { return nil }
        // When it cannot be made, a command cannot make it either.
        try? Directories.create(path)
        return Directories.resolved(path)
    }

    /// The project, unless that would be the whole system or the homes of its users.
    private func projects(_ home: String?, _ hidden: [String]) -> [String] {
        let narrow = [root, start].first { candidate in
            guard let path = places.resolved(candidate) else { return false }
            return path != "/" && home.map { $0 == path || !$0.isWithin(path) } ?? true
                && !hidden.contains { path.isWithin($0) }
        }
        return narrow.map { [$0] } ?? []
    }

    private func expand(_ paths: [String], _ home: String?) -> [String] {
        paths.compactMap { path in
            if path == "~" || path.hasPrefix("~/") {
                home.map { $0 + path.dropFirst() }
            } else {
                path.hasPrefix("/") ? path : "\(root)/\(path)"
            }
        }
    }

    /// A directory and those above it that a command may write in.
    private func ancestors(of directory: String, to writable: [String]) -> [String] {
        var places: [String] = []
        var place = directory
        while writable.contains(where: { place.isWithin($0) }) {
            places.append(place)
            if place == "/" { break }
            place = place.parent
        }
        // A directory before what is in it.
        return places.reversed()
    }

    private func isUsed(_ directory: String, _ paths: [String]) -> Bool {
        paths.contains { $0.isWithin(directory) } || outputDirectory.isWithin(directory)
    }
}

extension String {
    fileprivate func isBelow(_ paths: [String]) -> Bool { paths.contains { isWithin($0) } }
}

/// The protections of a command, each path once.
private struct Protections {
    /// Where a directory could be renamed with what is protected in it.
    let writable: [String]
    private(set) var all: [SandboxRules.Protection] = []
    /// What may be there and cannot be looked up.
    private(set) var unprotected: String?
    private var known: Set<String> = []

    init(writable: [String]) {
        self.writable = writable
    }

    mutating func hide(_ path: String) {
        guard let path = place(path) else { return }
        all.append(Directories.isDirectory(path) ? .hideDirectory(path) : .hideFile(path))
    }

    mutating func makeReadOnly(_ path: String) {
        guard let path = place(path) else { return }
        all.append(.readOnly(path))
    }

    mutating func replace(_ path: String, with source: String) {
        guard Directories.isDirectory(path) else { return }
        all.append(.replace(path, with: source))
    }

    /// Keeps git from running what a command has written.
    mutating func protectRepository(_ directory: String) {
        // Nothing is to be left in it for no use.
        guard SystemSandbox.current.canMount else { return }
        let repository = directory + "/.git"
        guard Directories.isDirectory(repository) else { return makeReadOnly(repository) }
        guard Directories.canSearch(repository), let paths = RepositoryGuard.paths(in: repository) else {
            makeReadOnly(repository)
            // Where they are links, what they lead to; what may not be searched is found to be so.
            for name in RepositoryGuard.files + ["hooks"] { makeReadOnly("\(repository)/\(name)") }
            return
        }
        for path in paths { makeReadOnly(path) }
    }

    mutating func protectHome(_ home: String) {
        for path in SandboxPaths.secretsAtHome { hide("\(home)/\(path)") }
        for path in SandboxPaths.executedAtHome { makeReadOnly("\(home)/\(path)") }
    }

    private mutating func resolved(_ path: String) -> String? {
        if let resolved = Directories.resolved(path) { return resolved }
        // A command may have taken away the right to search a directory, to give it back in the next one.
        if Directories.mayExist(path), writable.contains(where: { path.isWithin($0) }) { unprotected = path }
        return nil
    }

    /// The path without links when it is there and not protected yet; the directories above it stay where they are.
    private mutating func place(_ path: String) -> String? {
        guard let path = resolved(path), known.insert(path).inserted else { return nil }
        var above: [String] = []
        var directory = path.parent
        while directory != "/", writable.contains(where: { directory.isWithin($0) && directory != $0 }) {
            if known.insert(directory).inserted { above.append(directory) }
            directory = directory.parent
        }
        for directory in above.reversed() { all.append(.pin(directory)) }
        return path
    }
}
