import MeerkatIO
import Testing

@Suite struct URLs {
    @Test(arguments: [
        ("http://localhost:8080/v1", "localhost:8080", "/v1", true),
        ("HTTPS://API.Example.com", "api.example.com", "", false),
        ("https://example.com:443/a", "example.com", "/a", false),
        ("http://127.0.0.53", "127.0.0.53", "", true),
        ("http://127.0.0.1.example.com", "127.0.0.1.example.com", "", false),
        ("http://[::1]:9/x", "[::1]:9", "/x", true),
        ("http://user:pass@host/p?q", "host", "/p?q", false),
    ])
    func aURLIsTakenApart(text: String, place: String, path: String, isLoopback: Bool) throws {
        let location = try #require(URLLocation(text))
        #expect(location.hostAndPort == place)
        #expect(location.path == path)
        #expect(location.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "example.com", "http://", "http://a b", "://x", "http://host:port", "http://host:99999"])
    func nonsenseIsNoURL(text: String) {
        #expect(URLLocation(text) == nil)
    }

    @Test func proxiesComeFromTheEnvironmentAndNeverStandBeforeThisMachine() {
        let settings = ProxySettings(environment: [
            "HTTPS_PROXY": "http://me:secret@proxy.example:3128", "http_proxy": "plain.example",
            "no_proxy": "internal.example, .corp",
        ])
        let proxy = settings.proxy(for: "https://api.example.com/v1")
        #expect(proxy?.host == "proxy.example")
        #expect(proxy?.port == 3128)
        #expect(proxy?.credentials == "bWU6c2VjcmV0")
        #expect(settings.proxy(for: "http://api.example.com")?.host == "plain.example")
        for direct in ["http://127.0.0.1:80", "https://localhost", "https://internal.example", "https://a.corp/x"] {
            #expect(settings.proxy(for: direct) == nil, "\(direct)")
        }
        #expect(ProxySettings(environment: ["no_proxy": "*", "all_proxy": "http://p"]).proxy(for: "http://x") == nil)
    }
}
