import FoundationEssentials
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import Testing

@testable import MeerkatStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A home directory and a project below it.
struct ConfigFolders {
    let root: String

    var home: String { root + "/home" }
    var project: String { root + "/home/code/project" }
    var userFile: String { home + "/.rkat/config.toml" }
    var projectFile: String { project + "/.rkat/config.toml" }
    var trustFile: String { home + "/.rkat/trusted.json" }
    var credentials: String { home + "/.rkat/credentials.toml" }

    var store: FileConfigurationStore { FileConfigurationStore(home: home, projectRoot: project) }

    func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
        try #require(chmod(path, mode) == 0)
    }

    func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    func mode(of path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}

/// Runs `body` with an empty home directory and an empty project.
func withConfigFolders(_ body: (ConfigFolders) throws -> Void) async throws {
    try await withTemporaryDirectory { path in
        let folders = ConfigFolders(root: path)
        try FileManager.default.createDirectory(
            atPath: folders.project + "/.rkat", withIntermediateDirectories: true)
        try body(folders)
    }
}

@Suite struct FileConfigurationStoreTests {
    @Test func aChangeWaitsForThatOfAnotherProcess() async throws {
        try await withConfigFolders { folders in
            let store = FileConfigurationStore(home: folders.home, projectRoot: folders.project, lockPatience: .zero)
            let held = try DirectoryLock(folders.project + "/.rkat", patience: .zero)
            let error = #expect(throws: ConfigError.self) { try store.patch(["max_tokens": 5]) }
            #expect(error == ConfigError(.locked, origin: .file(folders.projectFile)))
            #expect(folders.read(folders.projectFile) == nil)
            held.release()
            #expect(try store.patch(["max_tokens": 5])["max_tokens"] == 5)
        }
    }

    @Test func aProjectMayShareItsDirectoryWithTheUser() async throws {
        try await withConfigFolders { folders in
            try FileManager.default.removeItem(atPath: folders.project + "/.rkat")
            try FileManager.default.createDirectory(
                atPath: folders.home + "/.rkat", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: folders.project + "/.rkat", withDestinationPath: folders.home + "/.rkat")
            let store = FileConfigurationStore(home: folders.home, projectRoot: folders.project, lockPatience: .zero)
            _ = try store.patch(["providers": ["base_urls": ["openai": "https://example.com"]]])
            #expect(folders.read(folders.userFile) == "[providers.base_urls]\nopenai = \"https://example.com\"\n")
            #expect(try store.untrustedKeys() == nil)
        }
    }

    @Test func aRefusedChangeCreatesNothing() async throws {
        try await withConfigFolders { folders in
            let store = FileConfigurationStore(home: folders.home, projectRoot: nil)
            #expect(throws: ConfigError.self) { try store.patch(["max_tokens": "many"]) }
            #expect(!FileManager.default.fileExists(atPath: folders.home + "/.rkat"))
        }
    }

    @Test func readingCreatesNothing() async throws {
        try await withConfigFolders { folders in
            let stores = [
                folders.store, FileConfigurationStore(home: folders.home, projectRoot: nil),
                FileConfigurationStore(home: nil, projectRoot: nil),
            ]
            for store in stores { try #require(try store.get() == Configuration().shown) }
            #expect(folders.read(folders.projectFile) == nil)
            #expect(!FileManager.default.fileExists(atPath: folders.home + "/.rkat"))
        }
    }

    @Test func theProjectStandsOverTheUser() async throws {
        try await withConfigFolders { folders in
            try folders.write("max_tokens = 1\n[agent]\nmodel = 'user'\ntemperature = 1.0\n", to: folders.userFile)
            try folders.write("[agent]\nmodel = 'project'\n", to: folders.projectFile)
            let configuration = try folders.store.current()
            #expect(configuration.agent.model == "project")
            #expect(configuration.agent.temperature == 1)
            #expect(configuration.maxTokens == 1)
        }
    }

    @Test func theHomeDirectoryIsNoProjectOfItsOwn() async throws {
        try await withConfigFolders { folders in
            try folders.write("[providers.base_urls]\nanthropic = 'https://a.example'\n", to: folders.userFile)
            let store = FileConfigurationStore(home: folders.home, projectRoot: folders.home)
            #expect(try store.current().providers.baseURLs?["anthropic"] == "https://a.example")
            #expect(try store.untrustedKeys() == nil)
            try store.set(["max_tokens": 5])
            #expect(folders.read(folders.userFile) == "max_tokens = 5\n")
        }
    }

    @Test func changesOfTheFilesShow() async throws {
        try await withConfigFolders { folders in
            let store = folders.store
            #expect(try store.current().agent.model == Configuration.Agent.defaultModel)
            for model in ["a", "b", "c"] {
                try folders.write("agent.model = '\(model)'", to: folders.projectFile)
                #expect(try store.current().agent.model == model)
                try folders.write("agent.temperature = 1", to: folders.userFile)
                #expect(try store.current().agent.temperature == 1)
                try FileManager.default.removeItem(atPath: folders.userFile)
                #expect(try store.current().agent.temperature == nil)
            }
        }
    }

    @Test func writesGoToTheProject() async throws {
        try await withConfigFolders { folders in
            try folders.write("max_tokens = 1\n", to: folders.userFile)
            let store = folders.store
            let result = try store.patch(["agent": ["model": "m"], "max_tokens": 1])
            #expect(result["agent"]?["model"] == "m")
            #expect(result == (try store.get()))
            #expect(folders.read(folders.projectFile) == "[agent]\nmodel = \"m\"\n")
            #expect(folders.read(folders.userFile) == "max_tokens = 1\n")
            #expect(try folders.mode(of: folders.projectFile) == 0o600)
            #expect(!FileManager.default.fileExists(atPath: folders.trustFile))
        }
    }

    @Test func withoutAProjectWritesGoToTheUser() async throws {
        try await withConfigFolders { folders in
            let store = FileConfigurationStore(home: folders.home, projectRoot: nil)
            try store.set(["max_tokens": 5])
            #expect(folders.read(folders.userFile) == "max_tokens = 5\n")
            #expect(try folders.mode(of: folders.userFile) == 0o600)
            #expect(try folders.mode(of: folders.home + "/.rkat") == 0o700)
            #expect(try store.current().maxTokens == 5)
        }
    }

    // MARK: Secrets

    @Test func aKeyIsWrittenForTheUserAloneAndNotShown() async throws {
        try await withConfigFolders { folders in
            try folders.write("# old\n", to: folders.credentials, mode: 0o644)
            let store = folders.store
            let shown = try store.patch([
                "max_tokens": 5, "provider": ["api_key": "first"], "providers": ["api_keys": ["openai": "second"]],
                "tools": [
                    "mcp_servers": [["name": "x", "url": "https://x.example", "headers": ["Authorization": "third"]]]
                ],
            ])
            #expect(folders.read(folders.projectFile) == "max_tokens = 5\n")
            #expect(folders.read(folders.userFile) == nil)
            #expect(try folders.mode(of: folders.credentials) == 0o600)
            #expect(shown == (try store.get()))
            #expect(shown["provider"]?["api_key"] == "(set)")
            #expect(shown["providers"]?["api_keys"] == ["openai": "(set)"])
            #expect(shown["tools"]?["mcp_servers"]?.array?.first?["headers"] == ["Authorization": "(set)"])
            for store in [store, folders.store] {
                let settings = try store.current()
                #expect(settings.provider.apiKey == "first")
                #expect(settings.providers.apiKeys?["openai"] == "second")
                #expect(settings.tools.mcpServers.first?.headers?["Authorization"] == "third")
            }
        }
    }

    @Test func whatIsShownOfASecretStandsForItWhenItIsGivenBack() async throws {
        try await withConfigFolders { folders in
            let store = folders.store
            _ = try store.patch([
                "provider": ["api_key": "k"], "tools": ["mcp_servers": [["name": "x", "env": ["A": "b"]]]],
            ])
            let before = folders.read(folders.credentials)
            var object = try store.get()
            object["max_tokens"] = 7
            try store.set(object)
            #expect(folders.read(folders.credentials) == before)
            #expect(folders.read(folders.projectFile) == "max_tokens = 7\n")
            #expect(try store.current().provider.apiKey == "k")
            #expect(try store.current().tools.mcpServers.first?.environment?["A"] == "b")

            _ = try store.patch(["provider": ["api_key": nil]])
            #expect(try store.current().provider.apiKey == nil)
            #expect(folders.read(folders.credentials)?.contains("\"k\"") == false)
            #expect(
                try MemoryConfigurationStore(below: ["provider": ["api_key": "k"]]).get()["provider"]?["api_key"]
                    == "(set)")
        }
    }

    @Test func aPlaceholderStandsForOneCertainValueOrIsRefused() async throws {
        try await withConfigFolders { folders in
            let store = folders.store
            let servers: JSONValue = [
                ["name": "a", "url": "https://a.example", "headers": ["K": "KA"]],
                ["name": "b", "url": "https://b.example", "headers": ["K": "KB"]],
            ]
            _ = try store.patch([
                "tools": ["mcp_servers": servers],
                "skills": [
                    "repositories": [
                        ["url": "https://a.example", "auth_bearer": "A"],
                        ["url": "https://b.example", "auth_token": "B"],
                    ]
                ],
            ])
            #expect(folders.read(folders.projectFile)?.contains("\"A\"") != true)
            try store.set(try store.get())
            #expect(try store.current().skills.repositories.map(\.authToken) == ["A", "B"])
            let before = folders.read(folders.credentials)
            for object: JSONObject in [
                ["tools": ["mcp_servers": [["name": "new", "url": "https://n.example", "headers": ["K": "(set)"]]]]],
                ["providers": ["api_keys": ["groq": "(set)"]]],
            ] {
                let error = try #require(throws: ConfigError.self) { _ = try store.patch(object) }
                #expect(error.code == .invalidParams)
            }
            #expect(folders.read(folders.credentials) == before)
        }
    }

    @Test func aKeyThatIsWrittenReplacesTheOneInTheFileOfSettings() async throws {
        try await withConfigFolders { folders in
            try folders.write("max_tokens = 5 # kept\n[provider]\napi_key = 'old'\n", to: folders.userFile)
            let store = FileConfigurationStore(home: folders.home, projectRoot: nil)
            _ = try store.patch(["provider": ["api_key": "new"]])
            #expect(try store.current().provider.apiKey == "new")
            #expect(folders.read(folders.userFile)?.contains("old") == false)
            #expect(folders.read(folders.userFile)?.contains("max_tokens = 5 # kept") == true)
        }
    }

    @Test func withoutAHomeThereIsNoPlaceForAKey() async throws {
        try await withConfigFolders { folders in
            let store = FileConfigurationStore(home: nil, projectRoot: folders.project)
            let error = try #require(throws: ConfigError.self) { try store.set(["provider": ["api_key": "k"]]) }
            #expect(error.reason == .noPlace)
            #expect(folders.read(folders.projectFile) == nil)
        }
    }

    // MARK: Files of others

    @Test(arguments: [
        "file is open to all", "file is open to a group", "folder is open to all", "file is a link", "folder is a link",
    ])
    func aProjectFileThatOthersMayHaveWrittenIsIgnored(what: String) async throws {
        try await withConfigFolders { folders in
            try folders.write("max_tokens = 5\n", to: folders.projectFile)
            let directory = folders.project + "/.rkat"
            switch what {
            case "file is open to all": chmod(folders.projectFile, 0o606)
            case "file is open to a group":
                chmod(folders.projectFile, 0o660)
                // A group of the user's own number would be the user's alone.
                chown(folders.projectFile, uid_t.max, geteuid() + 1)
            case "folder is open to all": chmod(directory, 0o777)
            case "file is a link":
                try FileManager.default.moveItem(atPath: folders.projectFile, toPath: directory + "/other")
                try FileManager.default.createSymbolicLink(atPath: folders.projectFile, withDestinationPath: "other")
            default:
                try FileManager.default.moveItem(atPath: directory, toPath: folders.project + "/other")
                try FileManager.default.createSymbolicLink(atPath: directory, withDestinationPath: "other")
            }
            guard geteuid() == 0 || what != "file is open to a group" else { return }
            let store = folders.store
            #expect(try store.current().maxTokens == nil)
            let untrusted = try #require(try store.untrustedKeys())
            #expect(untrusted.keys == [])
            #expect(untrusted.message.hasPrefix("\(folders.projectFile) is ignored: "))
            let error = try #require(throws: ConfigError.self) { try store.set(["max_tokens": 6]) }
            #expect(error.origin == .file(folders.projectFile))
            try store.trust(untrusted)
            #expect(try folders.store.current().maxTokens == nil)
        }
    }

    @Test func withoutAnyPlaceWritesFail() throws {
        let store = FileConfigurationStore(home: "", projectRoot: nil)
        let error = try #require(throws: ConfigError.self) { try store.set(["max_tokens": 5]) }
        #expect(error.reason == .noPlace)
        #expect(error.code == .internalError)
    }

    @Test func writesKeepCommentsAndUnknownKeys() async throws {
        try await withConfigFolders { folders in
            let before = """
                # Our project
                max_tokens = 100 # small

                [agent]   # who answers
                model = 'a'   # the good one
                # temperature = 0.2
                mood = "fine"

                [future]
                x = 1 # later

                """
            try folders.write(before, to: folders.projectFile)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folders.projectFile)
            let store = folders.store
            _ = try store.patch(["agent": ["model": "b"], "max_tokens": nil, "limits": ["budget": 7]])
            let after = """
                # Our project
                # small

                [agent]   # who answers
                model = "b"   # the good one
                # temperature = 0.2
                mood = "fine"

                [future]
                x = 1 # later

                [limits]
                budget = 7

                """
            #expect(folders.read(folders.projectFile) == after)
            #expect(try folders.mode(of: folders.projectFile) == 0o640)
            #expect(try store.get()["future"] == ["x": 1])
            try store.set(try store.get())
            #expect(folders.read(folders.projectFile) == after)
        }
    }

    @Test func theOldAllowListBecomesPatterns() async throws {
        try await withConfigFolders { folders in
            try folders.write("[shell]\nallowlist = ['git *'] # vcs\n", to: folders.projectFile)
            let store = folders.store
            #expect(try store.current().shell.securityMode == .allowList)
            _ = try store.patch(["shell": ["security_patterns": ["ls"]]])
            #expect(
                folders.read(folders.projectFile)
                    == "[shell]\nsecurity_patterns = [\"ls\"]\nsecurity_mode = \"allow_list\"\n# vcs\n")
        }
    }

    @Test func faultsNameFileAndKey() async throws {
        try await withConfigFolders { folders in
            let store = folders.store
            try folders.write("[agent]\nmodel = 1\n", to: folders.projectFile)
            var error = try #require(throws: ConfigError.self) { try store.current() }
            #expect(error.description == "\(folders.projectFile):2:1: agent.model: expected a string")
            #expect(error.code == .internalError)
            error = try #require(throws: ConfigError.self) { try store.set(["max_tokens": 1]) }
            #expect(error.code == .internalError)
            #expect(folders.read(folders.projectFile) == "[agent]\nmodel = 1\n")

            try folders.write("[agent\n", to: folders.projectFile)
            error = try #require(throws: ConfigError.self) { try store.get() }
            #expect(error.description == #"\#(folders.projectFile):1:7: expected "]""#)

            try folders.write("", to: folders.projectFile)
            error = try #require(throws: ConfigError.self) { try store.patch(["agent": ["model": 1]]) }
            #expect(error.description == "agent.model: expected a string")
            #expect(error.code == .invalidParams)
            error = try #require(throws: ConfigError.self) { try store.set(["x": [nil], "max_tokens": 1]) }
            #expect(error.description == "x: null cannot be stored in a list")
            #expect(error.code == .invalidParams)
            #expect(folders.read(folders.projectFile) == "")
        }
    }

    @Test func aFileThatCannotBeWrittenIsAFaultOfTheFile() async throws {
        try await withConfigFolders { folders in
            try folders.write("x = 1\n", to: folders.project + "/.rkat/config.toml/inner")
            let error = try #require(throws: ConfigError.self) { try folders.store.set(["max_tokens": 1]) }
            #expect(error.code == .internalError)
            #expect(error.origin == .file(folders.projectFile))
        }
    }

    @Test func aLinkedUserFileStaysALink() async throws {
        try await withConfigFolders { folders in
            try folders.write("# mine\n", to: folders.root + "/dotfiles/rkat.toml")
            try FileManager.default.createDirectory(
                atPath: folders.home + "/.rkat", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: folders.userFile, withDestinationPath: folders.root + "/dotfiles/rkat.toml")
            let store = FileConfigurationStore(home: folders.home, projectRoot: nil)
            try store.set(["max_tokens": 5])
            #expect(folders.read(folders.root + "/dotfiles/rkat.toml") == "# mine\nmax_tokens = 5\n")
            #expect(try store.current().maxTokens == 5)
        }
    }

    @Test func writersWaitForOneAnother() async throws {
        try await withTemporaryDirectory { path in
            let folders = ConfigFolders(root: path)
            try FileManager.default.createDirectory(
                atPath: folders.project + "/.rkat", withIntermediateDirectories: true)
            await withTaskGroup { group in
                for index in 0..<20 {
                    group.addTask {
                        do {
                            _ = try folders.store.patch(["models": ["m\(index)": .string("x")]])
                        } catch { Issue.record(error) }
                    }
                }
            }
            #expect(try folders.store.current().models.unknown.members.count == 20)
        }
    }

    // MARK: Random objects

    /// Keys with some values that they take.
    static let choices: [(path: [String], values: [JSONValue])] = [
        (["max_tokens"], [1, 16384, 99]), (["agent", "model"], ["m", "claude-sonnet-4-5", "quo\"te\n"]),
        (["agent", "temperature"], [0, 1, nil]), (["agent", "max_tokens_per_turn"], [99, 16384]),
        (["agent", "provider_params"], [[:], ["top_k": 1, "deep": ["x": [1, ["y": 2]]]]]),
        (["agent", "output_schema"], [["type": "object", "enum": [nil]], ["const": true], "{\"a\":1}"]),
        (["agent", "system_prompt"], ["line\nline\n", "", nil]),
        (["retry", "initial_delay"], ["500ms", "1s"]), (["retry", "multiplier"], [2, 3]),
        (["limits", "max_duration"], [1500, "1h 30m", nil]), (["tools", "shell_enabled"], [true, false]),
        (["tools", "tool_timeouts"], [[:], ["a b": "5s", "c": ["secs": 1, "nanos": 0]]]),
        (["tools", "mcp_servers"], [[], [["name": "x", "command": "c", "env": ["A": "b"]]]]),
        (["shell", "security_patterns"], [[], ["git *", "ls"]]), (["shell", "allowlist"], [["x *"]]),
        (["providers", "base_urls"], [nil, [:], ["anthropic": "https://a.example", "x y": "http://localhost"]]),
        (["providers", "api_keys"], [nil, ["openai": "k"]]), (["providers", "local"], [true, false]),
        (["providers", "corp"], [[:], ["base_url": "https://c.example", "models": ["m"], "headers": ["a": "b"]]]),
        (["sub_agents", "default_model"], ["inherit", "x"]),
        (["hooks", "entries"], [[], [["id": "a"], ["id": "b", "runtime": ["type": "http", "url": "u"], "x": 1]]]),
        (["skills", "repositories"], [[], [["name": "r", "type": "git", "url": "u", "depth": 2]]]),
        (["future", "x"], [1, ["a": [1, [], [:]]], "1979-05-27"]), (["rest"], [nil, [:], ["port": 9]]),
    ]

    @Test(arguments: 0..<12)
    func whatIsSetIsWhatIsGot(seed: Int) async throws {
        try await withConfigFolders { folders in
            var generator = SeededGenerator(state: UInt64(seed))
            if seed % 2 == 0 {
                try folders.write(
                    "# one\n[agent] # two\nmodel = 'x'\n[compaction] # three\n", to: folders.projectFile)
            }
            let store = folders.store
            for _ in 0..<8 {
                var given = JSONValue.object(["max_tokens": 16384])
                for choice in Self.choices where Bool.random(using: &generator) {
                    guard let value = choice.values.randomElement(using: &generator) else { continue }
                    given = given.setting(choice.path[...], to: value) ?? given
                }
                let expected = try Configuration(config: given)
                try store.set(try #require(given.object))
                for store in [store, folders.store] {
                    let got = try store.current()
                    // A schema with null in it is stored as text.
                    var comparable = got
                    if case .string(let text) = got.agent.outputSchema, expected.agent.outputSchema?.string == nil {
                        comparable.agent.outputSchema = try JSONValue(json: Array(text.utf8))
                    }
                    #expect(
                        JSONValue.object(comparable.shown).means(.object(expected.shown)),
                        "\(folders.read(folders.projectFile) ?? "")")
                    #expect(try store.untrustedKeys() == nil)
                }
                let text = folders.read(folders.projectFile) ?? ""
                if seed % 2 == 0 { #expect(["# one", "# two", "# three"].allSatisfy { text.contains($0) }) }
            }
        }
    }
}
