public import MeerkatCore
internal import MeerkatIO

/// A base URL and the key that belongs to it: a key never reaches another host.
public struct Endpoint: Sendable, Hashable {
    /// Host (and port, unless it is the scheme's own), without credentials.
    public let host: String
    public let key: APIKey?
    /// The base URL without a slash at its end.
    let base: String
    /// The path of ``base``; empty or with a slash at its start.
    let path: String

    /// Checks a base URL as it stands in the configuration, with or without a trailing `/` or `/v1`.
    ///
    /// - Parameters:
    ///   - baseURL: `https`, or `http` for this machine.
    ///   - key: Nil for servers that want none.
    ///   - allowsPlainHTTP: Lets `http` go to other machines too.
    /// - Throws: ``MeerkatCore/ProviderError/Reason/notConfigured``.
    public init(_ baseURL: String, key: APIKey?, allowsPlainHTTP: Bool = false) throws(ProviderError) {
        func refuse(_ why: String) -> ProviderError { ProviderError(.notConfigured, "the base URL \(why)") }
        guard let location = URLLocation(baseURL), location.scheme == "http" || location.scheme == "https" else {
            throw refuse("is not an http or https URL")
        }
        // What stands before the @ is a credential: it is neither sent nor shown.
        guard location.userInfo == nil else { throw refuse("must not hold a user name or password") }
        guard location.port != 0 else { throw refuse("has a port that cannot be used") }
        guard
            location.path.utf8.allSatisfy({
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
            })
        else { throw refuse("must not hold a query, a fragment or characters that need encoding") }
        guard location.scheme == "https" || location.isLoopback || allowsPlainHTTP else {
            throw refuse("uses plain http to \(location.hostAndPort), which is allowed for this machine only")
        }
        if let key, !key.isPrintable {
            throw ProviderError(
                .notConfigured, "the API key for \(location.hostAndPort) has characters that cannot be sent")
        }
        host = location.hostAndPort
        self.key = key
        var path = location.path[...]
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
        base = "\(location.scheme)://\(location.hostAndPort)\(path)"
    }
}

extension Endpoint: CustomStringConvertible {
    public var description: String { base }
}
