import MeerkatCore
import MeerkatJSON
import Testing

@Suite struct MergePatchTests {
    /// The examples of RFC 7396, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
        (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
        (#"{"a":"foo"}"#, "null", "null"),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func examplesOfTheStandard(original: String, patch: String, result: String) throws {
        #expect(try json(original).applying(mergePatch: json(patch)) == json(result))
    }
}

@Suite struct ConfigLayersTests {
    @Test func layersMergeKeyByKey() throws {
        let layers = ConfigLayers(
            below: ["agent": ["model": "a", "temperature": 1], "tools": ["tool_timeouts": ["x": "1s"]]],
            top: ["agent": ["model": "b"], "tools": ["tool_timeouts": ["y": "2s"]]])
        let configuration = try layers.configuration()
        #expect(configuration.agent.model == "b")
        #expect(configuration.agent.temperature == 1)
        #expect(configuration.tools.toolTimeouts.names == ["x", "y"])
    }

    @Test func hooksOfBothLayersCount() throws {
        let layers = ConfigLayers(
            below: ["hooks": ["entries": [["id": "a"], ["id": "b"]]]],
            top: ["hooks": ["entries": [["id": "c"], ["id": "a", "priority": 1]]]])
        let entries = try layers.configuration().hooks.entries
        #expect(entries.map(\.id) == ["a", "b", "c"])
        #expect(entries.first?.priority == 1)
    }

    @Test func schemasAreNotMixed() throws {
        let layers = ConfigLayers(
            below: ["agent": ["output_schema": ["type": "object"]]], top: ["agent": ["output_schema": ["const": 1]]])
        #expect(try layers.configuration().agent.outputSchema == ["const": 1])
    }

    @Test(arguments: [
        (
            "what the defaults say is not stored", "{}", #"{"agent":{"model":"claude-sonnet-4-5"},"max_tokens":16384}"#,
            "{}"
        ),
        ("spellings do not count", "{}", #"{"tools":{"default_timeout":"600s"},"retry":{"multiplier":2.0}}"#, "{}"),
        (
            "other values are stored as given", "{}", #"{"limits":{"max_duration":90000}}"#,
            #"{"limits":{"max_duration":90000}}"#
        ),
        ("what the user's file says is not stored", #"{"agent":{"model":"m"}}"#, #"{"agent":{"model":"m"}}"#, "{}"),
        (
            "a default over the user's value is", #"{"agent":{"model":"m"}}"#, "{}",
            #"{"agent":{"model":"claude-sonnet-4-5"}}"#
        ),
        ("null takes the default", "{}", #"{"agent":{"model":null,"temperature":null},"rest":null}"#, "{}"),
        (
            "names of the user's own are stored whole", "{}", #"{"providers":{"corp":{"base_url":"u","models":null}}}"#,
            #"{"providers":{"corp":{"base_url":"u"}}}"#
        ),
        (
            "only new names are stored", #"{"providers":{"base_urls":{"a":"1","b":"2"}}}"#,
            #"{"providers":{"base_urls":{"a":"1","b":"3","c":"4"}}}"#, #"{"providers":{"base_urls":{"b":"3","c":"4"}}}"#
        ),
        (
            "an empty table is stored where there was none", "{}", #"{"providers":{"api_keys":{}}}"#,
            #"{"providers":{"api_keys":{}}}"#
        ),
        ("unknown keys are stored", "{}", #"{"x":{"y":1},"max_tokens":5}"#, #"{"max_tokens":5,"x":{"y":1}}"#),
        (
            "the limit of an answer follows that of a turn", "{}",
            #"{"agent":{"max_tokens_per_turn":9},"max_tokens":9}"#,
            #"{"agent":{"max_tokens_per_turn":9}}"#
        ),
        (
            "a limit of its own is stored", "{}", #"{"agent":{"max_tokens_per_turn":9},"max_tokens":16384}"#,
            #"{"agent":{"max_tokens_per_turn":9},"max_tokens":16384}"#
        ),
        (
            "only new hooks are stored", #"{"hooks":{"entries":[{"id":"a"}]}}"#,
            #"{"hooks":{"entries":[{"id":"a","priority":100},{"id":"b"}]}}"#, #"{"hooks":{"entries":[{"id":"b"}]}}"#
        ),
        (
            "schemas with null become text", "{}", #"{"agent":{"output_schema":{"enum":[null]}}}"#,
            #"{"agent":{"output_schema":"{\"enum\":[null]}"}}"#
        ),
    ])
    func settingStoresWhatDiffers(name: String, below: String, given: String, stored: String) throws {
        let below = try #require(try json(below).object)
        let given = try #require(try json(given).object)
        let top = try ConfigLayers(below: below, top: ["agent": ["model": "old"]]).replacing(with: given)
        #expect(try JSONValue.object(top) == json(stored))
        let result = try ConfigLayers(below: below, top: top).configuration().shown
        if below.isEmpty, given["agent"]?["output_schema"] == nil {
            #expect(result == (try Configuration(config: .object(given)).shown))
        }
    }

    @Test(arguments: [
        (
            "a key", #"{"agent":{"model":"x"}}"#, #"{"agent":{"temperature":1}}"#,
            #"{"agent":{"model":"x","temperature":1}}"#
        ),
        (
            "null removes", #"{"agent":{"model":"x","temperature":1}}"#, #"{"agent":{"model":null}}"#,
            #"{"agent":{"temperature":1}}"#
        ),
        (
            "null removes a section", #"{"agent":{"model":"x"},"max_tokens":5}"#, #"{"agent":null}"#,
            #"{"max_tokens":5}"#
        ),
        ("what the user's file says anyway is taken out", #"{"max_tokens":5}"#, #"{"max_tokens":100}"#, "{}"),
        (
            "an unneeded key stays when not patched", #"{"max_tokens":100}"#, #"{"limits":{"budget":1}}"#,
            #"{"max_tokens":100,"limits":{"budget":1}}"#
        ),
        ("a name of the user's own", "{}", #"{"providers":{"corp":{}}}"#, #"{"providers":{"corp":{}}}"#),
        ("nothing", #"{"agent":{"model":"x"}}"#, #"{"agent":{},"limits":{}}"#, #"{"agent":{"model":"x"}}"#),
        (
            "lists are replaced", #"{"shell":{"env_allow":["A","B"]}}"#, #"{"shell":{"env_allow":["C"]}}"#,
            #"{"shell":{"env_allow":["C"]}}"#
        ),
        (
            "a duration of two numbers", "{}", #"{"tools":{"tool_timeouts":{"x":{"secs":5,"nanos":0}}}}"#,
            #"{"tools":{"tool_timeouts":{"x":{"secs":5,"nanos":0}}}}"#
        ),
        (
            "a schema is patched and stays whole", #"{"agent":{"output_schema":{"type":"object","a":1}}}"#,
            #"{"agent":{"output_schema":{"a":null,"b":2}}}"#, #"{"agent":{"output_schema":{"type":"object","b":2}}}"#
        ),
        (
            "parameters", #"{"agent":{"provider_params":{"top_k":1,"x":{"y":1}}}}"#,
            #"{"agent":{"provider_params":{"top_k":null,"x":{"z":2}}}}"#,
            #"{"agent":{"provider_params":{"x":{"y":1,"z":2}}}}"#
        ),
    ])
    func patchingChangesWhatItNames(name: String, top: String, patch: String, stored: String) throws {
        let layers = ConfigLayers(below: ["max_tokens": 100], top: try #require(try json(top).object))
        let result = try layers.patching(with: try #require(try json(patch).object))
        #expect(try JSONValue.object(result) == json(stored))
    }

    @Test(arguments: [
        (#"{"colour":1}"#, ConfigError(.noKnownKey)),
        (#"{"config":{}}"#, ConfigError(.noKnownKey)),
        (#"{"agent":{"model":1}}"#, ConfigError(.wrongType(expected: "a string"), key: ["agent", "model"])),
        (
            #"{"sub_agents":{"default_provider":"x"}}"#,
            ConfigError(
                .invalid("must be one of inherit, anthropic, openai, gemini"), key: ["sub_agents", "default_provider"])
        ),
    ])
    func unusableObjectsAreRefused(text: String, error: ConfigError) throws {
        let given = try #require(try json(text).object)
        #expect(throws: error) { try ConfigLayers(top: [:]).replacing(with: given) }
    }

    @Test func editsAreAsSmallAsTheChange() {
        let old: JSONObject = ["a": ["b": 1, "c": 2], "d": ["e": 1], "f": 1, "g": ["h": 1], "k": 5]
        let new: JSONObject = ["a": ["b": 1, "c": 3], "f": ["x": 1], "g": 2, "i": ["j": ["l": 1]], "m": [:], "k": 5]
        #expect(
            ConfigEdit.difference(from: old, to: new) == [
                .remove(["d"]), .set(["a", "c"], 3), .remove(["f"]), .set(["f", "x"], 1), .set(["g"], 2),
                .set(["i", "j", "l"], 1), .set(["m"], [:]),
            ])
        #expect(ConfigEdit.difference(from: ["d": ["e": 1]], to: [:], keeping: [["d", "x"]]) == [.remove(["d", "e"])])
    }
}
