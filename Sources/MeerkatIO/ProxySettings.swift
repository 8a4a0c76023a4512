/// Which requests go through a proxy, as the customary variables of the environment say it.
public struct ProxySettings: Sendable, Hashable {
    public struct Proxy: Sendable, Hashable {
        public var host: String
        public var port: Int
        /// For basic authentication, already in base 64.
        public var credentials: String?
    }

    private var http: Proxy?
    private var https: Proxy?
    /// Hosts that are spoken to directly, a leading dot meaning all below it; `*` means all.
    private var direct: [String] = []

    /// No proxy for anything.
    public init() {}

    /// Reads `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, in lower case first.
    public init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            for name in [name, name.uppercased()] {
                if let value = environment[name], !value.isEmpty { return value }
            }
            return nil
        }
        let all = value("all_proxy").flatMap(Self.proxy)
        http = value("http_proxy").flatMap(Self.proxy) ?? all
        https = value("https_proxy").flatMap(Self.proxy) ?? all
        direct = (value("no_proxy") ?? "").split(separator: ",").map {
            String($0).trimmingSpaces.lowercased()
        }
    }

    /// The proxy for a place; never one for this machine itself.
    public func proxy(for location: URLLocation) -> Proxy? {
        guard !location.isLoopback else { return nil }
        guard !direct.contains(where: { Self.matches(location.host, $0) }) else { return nil }
        return location.scheme == "https" ? https : http
    }

    private static func matches(_ host: String, _ pattern: String) -> Bool {
        guard !pattern.isEmpty else { return false }
        if pattern == "*" { return true }
        let suffix = pattern.hasPrefix(".") ? pattern : "." + pattern
        return host == suffix.dropFirst() || host.hasSuffix(suffix)
    }

    private static func proxy(_ text: String) -> Proxy? {
        guard let location = URLLocation(text.contains("://") ? text : "http://" + text) else { return nil }
        return Proxy(
            host: location.host, port: location.port ?? 80, credentials: location.userInfo.map(Base64.encode))
    }
}

extension String {
    var trimmingSpaces: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

/// Base 64 for short texts.
enum Base64 {
    static func encode(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(text.utf8)
        var encoded: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for position in 0..<4 {
                encoded.append(
                    position <= group.count ? alphabet[word >> (18 - 6 * position) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
