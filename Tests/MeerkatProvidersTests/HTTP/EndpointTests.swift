import MeerkatCore
import MeerkatIO
import Testing

@testable import MeerkatProviders

@Suite struct EndpointTests {
    /// Base URLs and where a Chat Completions request and a Messages request go.
    static let urls = [
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions", "http://localhost:11434/v1/messages"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1/chat/completions", "http://127.0.0.1:8080/v1/messages"),
        ("http://[::1]:1/v1", "http://[::1]:1/v1/chat/completions", "http://[::1]:1/v1/messages"),
        ("https://host.example/v1/", "https://host.example/v1/chat/completions", "https://host.example/v1/messages"),
        ("HTTPS://Host.Example:443//", "https://host.example/v1/chat/completions", "https://host.example/v1/messages"),
        ("https://h.example/api", "https://h.example/api/chat/completions", "https://h.example/api/v1/messages"),
        (
            "https://h.example/v1beta/openai/", "https://h.example/v1beta/openai/chat/completions",
            "https://h.example/v1beta/openai/v1/messages"
        ),
        (
            "https://h.example/api/v1/chat/completions", "https://h.example/api/v1/chat/completions",
            "https://h.example/api/v1/chat/completions/v1/messages"
        ),
    ]

    @Test(arguments: urls)
    func theBaseURLMayEndInSeveralWays(_ base: String, chat: String, messages: String) throws {
        let endpoint = try Endpoint(base, key: nil)
        let request = ModelRequest(model: "m", maxTokens: 1, instructions: "", history: RenderedHistory(chunks: []))
        #expect(ChatRequest(request).http(to: endpoint).url == chat)
        #expect(AnthropicRequest(request).http(to: endpoint).url == messages)
    }

    @Test(arguments: [
        "", "localhost:8080", "//host", "ftp://host/", "http://", "https://host:x", "https://host:0", "https:// host",
        "https://user:secret@host", "https://host/?key=secret", "https://host/#x", "https://host/a b",
        "http://host.example",
        "http://10.0.0.1:8080", "http://localhost.example.com", "https://höst/ü",
    ])
    func nonsenseIsRefused(_ text: String) {
        let error = #expect(throws: ProviderError.self) { try Endpoint(text, key: APIKey("key")) }
        #expect(error?.reason == .notConfigured)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func plainHTTPToOthersMustBeAllowed() throws {
        #expect(try Endpoint("http://10.0.0.1:8080", key: nil, allowsPlainHTTP: true).host == "10.0.0.1:8080")
    }

    @Test func aKeyThatCannotBeSentIsRefused() {
        let error = #expect(throws: ProviderError.self) { try Endpoint("https://host", key: APIKey("se\r\ncret")) }
        #expect(error?.message == "the API key for host has characters that cannot be sent")
    }

    @Test func aKeyHasNoText() throws {
        let key = try #require(APIKey("sk-very-secret"))
        let endpoint = try Endpoint("https://host", key: key)
        var dumped = ""
        dump(endpoint, to: &dumped)
        for text in ["\(key)", key.debugDescription, "\(endpoint)", String(reflecting: endpoint), dumped, "\([key])"] {
            #expect(!text.contains("secret"))
        }
        #expect(APIKey(" \n") == nil)
    }

    @Test(arguments: [
        ("plain words stay", "plain words stay"),
        ("key sk-0123456789abcdef!", "key [redacted]"),
        (#"{"k":"sk-0123456789abcdef"}"#, #"{"k":"[redacted]"}"#),
        ("Incorrect key: sk-01***********cdef.", "Incorrect key: [redacted]"),
        ("shortened sk-01234... and ...9abcdef", "shortened [redacted] and ...9abcdef"),
        ("x-89abcdef x", "[redacted] x"),
    ])
    func whatMayBeAKeyIsRedacted(_ text: String, _ expected: String) {
        #expect(APIKey.redact(text, [APIKey("sk-0123456789abcdef")].compactMap { $0 }) == expected)
    }
}

@Suite struct ConfiguredHeaders {
    @Test func theyAreSentAndStandInForOnesOfTheSameName() throws {
        let endpoint = try Endpoint(
            "https://example.com", key: APIKey("k"),
            headers: [.init(name: "X-Team", value: "a b"), .init(name: "Authorization", value: "Basic x")])
        let request = ModelRequest(model: "m", maxTokens: 1, instructions: "", history: RenderedHistory(chunks: []))
        let headers = ChatRequest(request).http(to: endpoint).headers
        #expect(headers.map { "\($0.name)=\($0.value)" }.suffix(2) == ["X-Team=a b", "Authorization=Basic x"])
        #expect(!headers.contains { $0.name == "authorization" })
        #expect("\(endpoint.headers)".contains("Basic") == false)
    }

    @Test(arguments: [("a\r\nb", "x"), ("", "x"), ("a:", "x"), ("a", "x\r\nb: c")])
    func onesThatWouldBreakTheRequestAreRefused(name: String, value: String) {
        #expect(throws: ProviderError.self) {
            try Endpoint("https://example.com", key: nil, headers: [.init(name: name, value: value)])
        }
    }
}
