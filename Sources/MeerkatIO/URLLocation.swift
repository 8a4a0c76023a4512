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
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex,
            text.utf8[colon...].starts(with: "://".utf8), text.utf8[..<colon].allSatisfy(Self.isInScheme)
        else { return nil }
        scheme = text[..<colon].lowercased()
        let rest = text.utf8[text.utf8.index(colon, offsetBy: 3)...]
        let end = rest.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
        path = String(text[end...])
        var authority = rest[..<end]
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            userInfo = String(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        guard let (host, port) = Self.hostAndPort(authority) else { return nil }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isInHost),
            host.utf8.allSatisfy({ $0 < 0x80 })
                || !host.contains(where: \.isWhitespace)
        else { return nil }
        self.host = host.lowercased()
        self.port = port
    }

    private static func isInScheme(_ byte: UInt8) -> Bool {
        switch byte | 0x20 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.".utf8.contains(byte)
        }
    }

    private static func isInHost(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && !"<>\"\\^`{|}%".utf8.contains(byte)
    }

    private static func hostAndPort(_ authority: Substring.UTF8View) -> (String, Int?)? {
        var name = authority
        var rest = authority[authority.endIndex...]
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            name = authority[..<close].dropFirst()
            rest = authority[close...].dropFirst()
        } else if let colon = authority.lastIndex(of: UInt8(ascii: ":")) {
            (name, rest) = (authority[..<colon], authority[colon...])
        }
        guard let host = String(name) else { return nil }
        guard let first = rest.popFirst() else { return (host, nil) }
        guard first == UInt8(ascii: ":"), let text = String(rest), let port = UInt16(text) else { return nil }
        return (host, Int(port))
    }

    /// Whether the host is this machine; of names only `localhost`, because others are looked up wherever the system does.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || isIPv4Address && host.hasPrefix("127.")
    }

    /// Whether a connection can be made without looking the host up and without TLS.
    var isPlainAddress: Bool { scheme == "http" && (isIPv4Address || host.contains(":")) }

    private var isIPv4Address: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                UInt8(part) != nil && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
    }

    /// Host and, unless it is the scheme's own, port.
    public var hostAndPort: String {
        let name = host.contains(":") ? "[\(host)]" : host
        guard let port, port != (scheme == "https" ? 443 : 80) else { return name }
        return "\(name):\(port)"
    }
}
