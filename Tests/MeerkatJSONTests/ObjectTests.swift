import MeerkatJSON
import Testing

@Suite struct Objects {
    /// Sizes below, at and above the one from which names are indexed.
    static let sizes = [1, 2, 15, 16, 17, 18, 40, 300]

    private static func object(_ size: Int) -> JSONObject {
        var object = JSONObject()
        for number in 0..<size { object["n\(number)"] = .integer(number) }
        return object
    }

    private static func text(_ members: [(String, Int)]) -> String {
        "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    @Test(arguments: sizes)
    func membersKeepTheirOrder(size: Int) throws {
        let members = (0..<size).map { ("n\($0 * 7 % size)x\($0)", $0) }
        let text = Self.text(members)
        let object = try JSONObject(json: Array(text.utf8))
        #expect(object.names == members.map(\.0))
        #expect(object.jsonText == text)
        for (name, value) in members { #expect(object[name] == .integer(value)) }
        #expect(object["missing"] == nil)
    }

    @Test(arguments: sizes)
    func theLastOfDuplicateMembersWinsInThePlaceOfTheFirst(size: Int) throws {
        for repeated in [0, size / 2, size - 1] {
            let members = (0..<size).map { ("n\($0)", $0) }
            let text = Self.text(members + [("n\(repeated)", 1000), ("other", -1), ("n\(repeated)", 2000)])
            let object = try JSONObject(json: Array(text.utf8))
            #expect(object.names == members.map(\.0) + ["other"])
            #expect(object["n\(repeated)"] == 2000)
            #expect(object.members[repeated].value == 2000)
            #expect(object["other"] == -1)
        }
    }

    @Test func aNameIsTheSameHoweverItIsEscaped() throws {
        #expect(try JSONValue(text: #"{"a":1,"b":2,"\u0061":3}"#) == ["a": 3, "b": 2])
        #expect(try JSONValue(text: #"{"a":1,"b":2,"\u0061":3}"#).jsonText == #"{"a":3,"b":2}"#)
    }

    @Test(arguments: sizes)
    func namesThatOnlyLookAlikeAreDifferentMembers(size: Int) throws {
        let filler = (0..<size).map { ("n\($0)", $0) }
        let text = Self.text(filler + [("\u{E9}", 1), ("e\u{301}", 2), ("K", 3), ("\u{212A}", 4)])
        let object = try JSONObject(json: Array(text.utf8))
        #expect(object.members.count == size + 4)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
        #expect(object["K"] == 3)
        #expect(object["\u{212A}"] == 4)
        #expect(object.jsonText == text)
    }

    @Test func valuesThatOnlyLookAlikeAreNotEqual() {
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        #expect(JSONValue.object(["\u{E9}": 1]) != .object(["e\u{301}": 1]))
        #expect(Set<JSONValue>(["\u{E9}", "e\u{301}", "\u{E9}"]).count == 2)
        #expect(Set<JSONValue>([["\u{E9}": 1], ["e\u{301}": 1], ["\u{E9}": 1]]).count == 2)
    }

    @Test(arguments: sizes)
    func aMemberIsReplacedInItsPlace(size: Int) {
        var object = Self.object(size)
        let before = object.names
        object["n\(size - 1)"] = "new"
        #expect(object.names == before)
        #expect(object["n\(size - 1)"] == "new")
    }

    @Test(arguments: sizes)
    func aRemovedMemberLeavesTheOthersInOrder(size: Int) {
        for removed in 0..<size {
            var object = Self.object(size)
            object["n\(removed)"] = JSONValue?.none
            #expect(object["n\(removed)"] == nil)
            #expect(object.names == (0..<size).filter { $0 != removed }.map { "n\($0)" })
            for kept in 0..<size where kept != removed { #expect(object["n\(kept)"] == .integer(kept)) }
            object["n\(removed)"] = "back"
            #expect(object.names.last == "n\(removed)")
            #expect(object["n\(removed)"] == "back")
        }
    }

    @Test func removingWhatIsNotThereChangesNothing() {
        var object = Self.object(20)
        object["missing"] = JSONValue?.none
        #expect(object == Self.object(20))
    }

    @Test func aCopyIsIndependent() {
        let original = Self.object(20)
        var copy = original
        copy["n3"] = "changed"
        copy["n20"] = 20
        #expect(original == Self.object(20))
        #expect(original["n20"] == nil)
        #expect(copy["n3"] == "changed")
    }

    @Test func theOrderOfMembersMattersForEquality() {
        #expect(JSONValue.object(["a": 1, "b": 2]) != .object(["b": 2, "a": 1]))
        #expect(JSONValue.object(["a": 1, "b": 2]).hashValue == JSONValue.object(["a": 1, "b": 2]).hashValue)
    }

    @Test func aLiteralFollowsTheSameRules() {
        let object: JSONObject = ["a": 1, "b": nil, "a": 2]
        #expect(object.names == ["a", "b"])
        #expect(object["a"] == 2)
        #expect(object["b"] == .null)
        #expect(JSONObject().isEmpty)
    }

    @Test func accessorsAnswerForTheirKindOnly() throws {
        let value = try JSONValue(text: #"{"s":"x","b":true,"i":3,"d":1.5,"a":[1],"o":{"k":0},"n":null}"#)
        #expect(value["s"]?.string == "x" && value["s"]?.int == nil)
        #expect(value["b"]?.bool == true && value["b"]?.string == nil)
        #expect(value["i"]?.int == 3 && value["i"]?.double == 3 && value["i"]?.bool == nil)
        #expect(value["d"]?.double == 1.5 && value["d"]?.int == nil)
        #expect(value["a"]?.array == [1] && value["a"]?.object == nil)
        #expect(value["o"]?["k"] == 0 && value["o"]?.array == nil)
        #expect(value["n"]?.isNull == true && value["a"]?.isNull == false)
        #expect(value["missing"] == nil && value["a"]?["k"] == nil)
    }
}
