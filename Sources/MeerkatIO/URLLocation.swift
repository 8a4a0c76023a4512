/// The parts of an absolute URL that decide where a request goes.
public struct URLLocation: Sendable, Hashable {
    /// In lower case.
    public var scheme: String
    /// In lower case, without the brackets of an IPv6 address.
    public var host: String
    public var port: Int?
    public var userInfo: String?
    /// Everything from the first slash of the path on; may be empty.
    public var path: String

    /// Nil when the text is no absolute URL with a host.
    public init?(_ text: String) {
        guard let separator = text.firstRange(of: "://"), separator.lowerBound > text.startIndex else { return nil }
        scheme = text[..<separator.lowerBound].lowercased()
        guard scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }) else {
            return nil
        }
        let rest = text[separator.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        path = String(rest[end...])
        var authority = rest[..<end]
        if let at = authority.lastIndex(of: "@") {
            userInfo = String(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        guard let (host, port) = Self.hostAndPort(authority) else { return nil }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || "<>\"\\^`{|}%".contains($0) }) else {
            return nil
        }
        self.host = host.lowercased()
        self.port = port
    }

    private static func hostAndPort(_ authority: Substring) -> (String, Int?)? {
        if authority.first == "[" {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            let host = String(authority[authority.index(after: authority.startIndex)..<close])
            let rest = authority[authority.index(after: close)...]
            guard !rest.isEmpty else { return (host, nil) }
            guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
            return (host, Int(port))
        }
        guard let colon = authority.lastIndex(of: ":") else { return (String(authority), nil) }
        guard let port = UInt16(authority[authority.index(after: colon)...]) else { return nil }
        return (String(authority[..<colon]), Int(port))
    }

    /// Whether the host is this machine.
    public var isLoopback: Bool {
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" { return true }
        return isIPv4Address && host.hasPrefix("127.")
    }

    /// Whether a connection can be made without looking the host up and without TLS.
    var isPlainAddress: Bool { scheme == "http" && (isIPv4Address || host.contains(":")) }

    private var isIPv4Address: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Host and, unless it is the scheme's own, port.
    public var hostAndPort: String {
        let name = host.contains(":") ? "[\(host)]" : host
        guard let port, port != (scheme == "https" ? 443 : 80) else { return name }
        return "\(name):\(port)"
    }
}
