import Foundation
import MeerkatJSON
import MeerkatJSONSchema
import Testing

@Suite struct HostileInputTests {
    /// Runs `body` on a thread with a stack that unoptimized frames fit into, whatever the platform gives to tasks.
    private func onRoomyThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result(catching: body)) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    private func nested(_ open: String, _ count: Int, _ inner: String, _ close: String) throws -> JSONValue {
        try json(String(repeating: open, count: count) + inner + String(repeating: close, count: count))
    }

    @Test(arguments: [
        (#"{"not":"#, "}"), (#"{"items":"#, "}"), (#"{"allOf":["#, "]}"), (#"{"properties":{"a":"#, "}}"),
        (#"{"dependencies":{"a":"#, "}}"),
    ])
    func deepSchemasAreRefused(_ open: String, _ close: String) async throws {
        let schema = try nested(open, 250, "true", close)
        await #expect(throws: JSONSchemaError.tooDeep(limit: 192)) {
            try await onRoomyThread { try JSONSchema(schema) }
        }
    }

    @Test func deepInstancesAreJudged() async throws {
        let instance = try nested(#"{"a":"#, 500, "1", "}")
        let schema = try JSONSchema(json(##"{"properties":{"a":{"$ref":"#"}},"type":["object","integer"]}"##))
        #expect(try await onRoomyThread { try schema.violations(in: instance) }.isEmpty)
    }

    @Test func validationHasABottom() async throws {
        let instance = try nested(#"{"a":"#, 500, "1", "}")
        let schema = try JSONSchema(json(##"{"allOf":[{"properties":{"a":{"$ref":"#"}}}]}"##))
        await #expect(throws: JSONSchemaError.tooDeep(limit: 512)) {
            try await onRoomyThread { try schema.violations(in: instance) }
        }
    }

    @Test(arguments: [
        ##"{"then":{"$ref":"#"},"if":true}"##, ##"{"dependentSchemas":{"a":{"$ref":"#"}}}"##,
        ##"{"$dynamicAnchor":"x","if":true,"then":{"$dynamicRef":"#x"}}"##,
    ])
    func conditionalLoopsEndAtTheBottom(_ text: String) async throws {
        let schema = try JSONSchema(json(text))
        await #expect(throws: JSONSchemaError.tooDeep(limit: 512)) {
            try await onRoomyThread { try schema.violations(in: ["a": 1]) }
        }
    }

    /// Forty definitions, each of which applies the next one twice.
    private func doubling(_ keyword: String, last: String) -> String {
        let levels = (0..<40).map { level in
            let next = ##"{"$ref":"#/$defs/l\##(level + 1)"}"##
            return #""l\#(level)":{"\#(keyword)":[\#(next),\#(next)]}"#
        }
        return ##"{"$ref":"#/$defs/l0","$defs":{\##(levels.joined(separator: ",")),"l40":\##(last)}}"##
    }

    @Test(arguments: [("allOf", #"{"type":"integer"}"#), ("anyOf", "false"), ("oneOf", "false")])
    func exponentialSchemasEndAtTheBudget(_ keyword: String, _ last: String) throws {
        let schema = try JSONSchema(json(doubling(keyword, last: last)))
        #expect(throws: JSONSchemaError.budgetExceeded(steps: 1_000_000)) { try schema.violations(in: 1) }
    }

    @Test func anExponentialExplanationEndsToo() throws {
        let schema = try JSONSchema(json(doubling("allOf", last: #"{"type":"string"}"#)))
        #expect(try schema.violations(in: 1).count == JSONSchema.maxViolations)
    }

    @Test func expensivePatternsEndAtTheBudget() throws {
        let schema = try JSONSchema(["pattern": "(.{500}){20}x"])
        let instance = JSONValue.string(String(repeating: "a", count: 200_000))
        #expect(throws: JSONSchemaError.budgetExceeded(steps: 1_000_000)) { try schema.violations(in: instance) }
    }

    @Test func aLargeInstanceHasALargeBudget() throws {
        let schema = try JSONSchema(
            json(#"{"items":{"properties":{"a":{"type":"integer","minimum":0}},"required":["a"]}}"#))
        let instance = JSONValue.array(Array(repeating: ["a": 1], count: 300_000))
        #expect(try schema.violations(in: instance).isEmpty)
    }

    @Test func manyEqualLookingItemsAreCompared() throws {
        let schema = try JSONSchema(["uniqueItems": true])
        let items = (0..<50_000).map { JSONValue.array([.integer($0), "x"]) }
        #expect(try schema.violations(in: .array(items)).isEmpty)
    }

    @Test func longNumbersAreDividedWithinTheBudget() throws {
        let divisor = "1" + String(repeating: "7", count: 100_000)
        let schema = try JSONSchema(json(#"{"multipleOf":\#(divisor)}"#))
        let instance = try json(String(repeating: "7", count: 100_000))
        #expect(throws: JSONSchemaError.budgetExceeded(steps: 1_000_000)) { try schema.violations(in: instance) }
    }

    @Test func manyLargePatternsAreRefused() throws {
        let patterns = (0..<10).map { (String($0) + "a{90000}", JSONValue.bool(true)) }
        var properties = JSONObject()
        for (pattern, schema) in patterns { properties[pattern] = schema }
        #expect(throws: JSONSchemaError.self) { try JSONSchema(["patternProperties": .object(properties)]) }
    }
}
