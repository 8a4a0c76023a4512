internal import MeerkatIO
internal import Synchronization

/// Where the paths of a session's rules lead, found once for each of them.
///
/// A command may change what lies in a place that it may write, and the next one must not get a rule for where a link
/// from there leads.
final class SandboxPlaces: Sendable {
    private struct Place {
        var path: String
        var identity: Directories.Identity?
    }

    private let known = Mutex<[String: Place]>([:])

    /// The path without links; nil when there is nothing, when something else has taken its place since it was asked for
    /// first, or when the way there leads through a writable place, whose rule holds for it.
    ///
    /// A file may be replaced: editors do that.
    func resolved(_ path: String, outside writable: [String] = []) -> String? {
        if let place = known.withLock({ $0[path] }) {
            guard !writable.contains(where: { place.path.isWithin($0) }),
                let identity = Directories.identity(of: place.path),
                identity == place.identity || !identity.isDirectory && place.identity?.isDirectory == false
            else { return nil }
            return place.path
        }
        guard let found = Directories.resolved(path, unless: { path in writable.contains { path.isWithin($0) } }) else {
            return nil
        }
        known.withLock { $0[path] = Place(path: found, identity: Directories.identity(of: found)) }
        return found
    }

    /// Paths that may be written, without links and without those that lie in another one or are found through it.
    func writable(_ paths: [String]) -> [String] {
        var places: [(path: String, resolved: String)] = []
        // A directory before what is in it.
        for path in paths.sorted(by: { $0.utf8.count < $1.utf8.count }) {
            guard let resolved = resolved(path, outside: places.map(\.resolved)) else { continue }
            places.append((path, resolved))
        }
        return places.filter { place in
            let others = places.map(\.resolved).filter { $0 != place.resolved }
            return Directories.resolved(place.path, unless: { path in others.contains { path.isWithin($0) } }) != nil
        }.map(\.resolved)
    }
}
