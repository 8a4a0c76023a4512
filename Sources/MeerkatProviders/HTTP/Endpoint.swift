public import MeerkatCore
internal import MeerkatIO

/// A base URL and the key that belongs to it: a key never reaches another host.
public struct Endpoint: Sendable, Hashable {
    /// Host (and port, unless it is the scheme's own), without credentials.
    public let host: String
    public let key: APIKey?
    /// Sent with every request, besides what the API asks for.
    let headers: [Header]
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
    ///   - headers: Sent with every request.
    /// - Throws: ``MeerkatCore/ProviderError/Reason/notConfigured``.
    public init(_ baseURL: String, key: APIKey?, allowsPlainHTTP: Bool = false, headers: [Header] = [])
        throws(ProviderError)
    {
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
        guard headers.allSatisfy(\.isSendable) else { throw refuse("comes with a header that cannot be sent") }
        self.key = key
        self.headers = headers
        var path = location.path[...]
        while path.last == "/" { path.removeLast() }
        self.path = String(path)
        base = "\(location.scheme)://\(location.hostAndPort)\(path)"
    }
}

extension Endpoint {
    /// A header of the configuration.
    ///
    /// Its value may be a credential and has no text form.
    public struct Header: Sendable, Hashable, CustomStringConvertible {
        let name: String
        let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }

        public var description: String { "\(name): …" }

        /// The words of the value that may be a credential.
        var secrets: [APIKey] {
            value.split(separator: " ").filter { $0.utf8.count >= 8 }.compactMap { APIKey(String($0)) }
        }

        var isSendable: Bool {
            !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
                && value.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        }
    }

    /// `headers` with those of the configuration behind them; of the same name, the configuration's is sent.
    func adding(to headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
        guard !self.headers.isEmpty else { return headers }
        let own = Set(self.headers.map { $0.name.lowercased() })
        return headers.filter { !own.contains($0.name.lowercased()) } + self.headers.map { ($0.name, $0.value) }
    }
}

extension Endpoint: CustomStringConvertible {
    public var description: String { base }
}
