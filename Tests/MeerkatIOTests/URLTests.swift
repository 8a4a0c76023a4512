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

    @Test(arguments: [
        "", "example.com", "http://", "http://a b", "://x", "http://host:port", "http://host:99999",
        "h\u{E9}://a", "http://a\u{2003}b", "http://a%41", "http:/a", "http://[::1", "http://[::1]9", "a:b://c",
    ])
    func nonsenseIsNoURL(text: String) {
        #expect(URLLocation(text) == nil)
    }

    @Test func proxiesComeFromTheEnvironmentAndNeverStandBeforeThisMachine() throws {
        func proxy(_ url: String, _ settings: ProxySettings) throws -> ProxySettings.Proxy? {
            settings.proxy(for: try #require(URLLocation(url)))
        }
        let settings = ProxySettings(environment: [
            "HTTPS_PROXY": "http://me:secret@proxy.example:3128", "http_proxy": "plain.example",
            "no_proxy": "internal.example, .corp",
        ])
        let first = try proxy("https://api.example.com/v1", settings)
        #expect(first?.host == "proxy.example")
        #expect(first?.port == 3128)
        #expect(first?.credentials == "bWU6c2VjcmV0")
        #expect(try proxy("http://api.example.com", settings)?.host == "plain.example")
        for direct in ["http://127.0.0.1:80", "https://localhost", "https://internal.example", "https://a.corp/x"] {
            #expect(try proxy(direct, settings) == nil, "\(direct)")
        }
        let none = ProxySettings(environment: ["no_proxy": "*", "all_proxy": "http://p"])
        #expect(try proxy("http://x", none) == nil)
    }
}
