import MeerkatJSON

/// The meta-schemas of both drafts, without titles and other annotations.
enum MetaSchemas {
    /// The document with a URI, or nil.
    static func document(at uri: String) -> JSONValue? {
        guard let text = text(at: uri) else { return nil }
        // The texts are constants, which a test reads one by one.
        return try? JSONValue(json: Array(text.utf8))
    }

    static let uris =
        [draft7, draft2020]
        + ["core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content"]
        .map { vocabularies + $0 }

    static let draft7 = "http://json-schema.org/draft-07/schema"
    static let draft2020 = "https://json-schema.org/draft/2020-12/schema"
    private static let vocabularies = "https://json-schema.org/draft/2020-12/meta/"

    private static func text(at uri: String) -> String? {
        switch uri {
        case draft7: draft7Text
        case draft2020: draft2020Text
        case vocabularies + "core": vocabulary("core", members: coreText)
        case vocabularies + "applicator": vocabulary("applicator", members: applicatorText)
        case vocabularies + "unevaluated": vocabulary("unevaluated", members: unevaluatedText)
        case vocabularies + "validation": vocabulary("validation", members: validationText)
        case vocabularies + "meta-data": vocabulary("meta-data", members: metaDataText)
        case vocabularies + "format-annotation":
            vocabulary("format-annotation", members: #""properties":{"format":{"type":"string"}}"#)
        case vocabularies + "content": vocabulary("content", members: contentText)
        default: nil
        }
    }

    private static func vocabulary(_ name: String, members: String) -> String {
        """
        {"$schema":"\(draft2020)","$id":"\(vocabularies)\(name)","$dynamicAnchor":"meta",\
        "type":["object","boolean"],\(members)}
        """
    }

    private static let draft2020Text = #"""
        {"$schema":"https://json-schema.org/draft/2020-12/schema",
         "$id":"https://json-schema.org/draft/2020-12/schema","$dynamicAnchor":"meta",
         "allOf":[{"$ref":"meta/core"},{"$ref":"meta/applicator"},{"$ref":"meta/unevaluated"},
          {"$ref":"meta/validation"},{"$ref":"meta/meta-data"},{"$ref":"meta/format-annotation"},
          {"$ref":"meta/content"}],
         "type":["object","boolean"],
         "properties":{
          "definitions":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}},
          "dependencies":{"type":"object","additionalProperties":{
           "anyOf":[{"$dynamicRef":"#meta"},{"$ref":"meta/validation#/$defs/stringArray"}]}},
          "$recursiveAnchor":{"$ref":"meta/core#/$defs/anchorString"},
          "$recursiveRef":{"$ref":"meta/core#/$defs/uriReferenceString"}}}
        """#

    private static let coreText = #"""
        "properties":{
         "$id":{"$ref":"#/$defs/uriReferenceString","pattern":"^[^#]*#?$"},
         "$schema":{"$ref":"#/$defs/uriString"},
         "$ref":{"$ref":"#/$defs/uriReferenceString"},
         "$anchor":{"$ref":"#/$defs/anchorString"},
         "$dynamicRef":{"$ref":"#/$defs/uriReferenceString"},
         "$dynamicAnchor":{"$ref":"#/$defs/anchorString"},
         "$vocabulary":{"type":"object","propertyNames":{"$ref":"#/$defs/uriString"},
          "additionalProperties":{"type":"boolean"}},
         "$comment":{"type":"string"},
         "$defs":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}}},
        "$defs":{
         "anchorString":{"type":"string","pattern":"^[A-Za-z_][-A-Za-z0-9._]*$"},
         "uriString":{"type":"string","format":"uri"},
         "uriReferenceString":{"type":"string","format":"uri-reference"}}
        """#

    private static let applicatorText = #"""
        "properties":{
         "prefixItems":{"$ref":"#/$defs/schemaArray"},"items":{"$dynamicRef":"#meta"},
         "contains":{"$dynamicRef":"#meta"},"additionalProperties":{"$dynamicRef":"#meta"},
         "properties":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}},
         "patternProperties":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"},
          "propertyNames":{"format":"regex"}},
         "dependentSchemas":{"type":"object","additionalProperties":{"$dynamicRef":"#meta"}},
         "propertyNames":{"$dynamicRef":"#meta"},"if":{"$dynamicRef":"#meta"},"then":{"$dynamicRef":"#meta"},
         "else":{"$dynamicRef":"#meta"},"allOf":{"$ref":"#/$defs/schemaArray"},
         "anyOf":{"$ref":"#/$defs/schemaArray"},"oneOf":{"$ref":"#/$defs/schemaArray"},
         "not":{"$dynamicRef":"#meta"}},
        "$defs":{"schemaArray":{"type":"array","minItems":1,"items":{"$dynamicRef":"#meta"}}}
        """#

    private static let unevaluatedText = #"""
        "properties":{"unevaluatedItems":{"$dynamicRef":"#meta"},"unevaluatedProperties":{"$dynamicRef":"#meta"}}
        """#

    private static let validationText = #"""
        "properties":{
         "type":{"anyOf":[{"$ref":"#/$defs/simpleTypes"},
          {"type":"array","items":{"$ref":"#/$defs/simpleTypes"},"minItems":1,"uniqueItems":true}]},
         "const":true,"enum":{"type":"array","items":true},
         "multipleOf":{"type":"number","exclusiveMinimum":0},
         "maximum":{"type":"number"},"exclusiveMaximum":{"type":"number"},
         "minimum":{"type":"number"},"exclusiveMinimum":{"type":"number"},
         "maxLength":{"$ref":"#/$defs/nonNegativeInteger"},"minLength":{"$ref":"#/$defs/nonNegativeInteger"},
         "pattern":{"type":"string","format":"regex"},
         "maxItems":{"$ref":"#/$defs/nonNegativeInteger"},"minItems":{"$ref":"#/$defs/nonNegativeInteger"},
         "uniqueItems":{"type":"boolean"},
         "maxContains":{"$ref":"#/$defs/nonNegativeInteger"},"minContains":{"$ref":"#/$defs/nonNegativeInteger"},
         "maxProperties":{"$ref":"#/$defs/nonNegativeInteger"},
         "minProperties":{"$ref":"#/$defs/nonNegativeInteger"},
         "required":{"$ref":"#/$defs/stringArray"},
         "dependentRequired":{"type":"object","additionalProperties":{"$ref":"#/$defs/stringArray"}}},
        "$defs":{
         "nonNegativeInteger":{"type":"integer","minimum":0},
         "simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},
         "stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true}}
        """#

    private static let metaDataText = #"""
        "properties":{"title":{"type":"string"},"description":{"type":"string"},"default":true,
         "deprecated":{"type":"boolean"},"readOnly":{"type":"boolean"},"writeOnly":{"type":"boolean"},
         "examples":{"type":"array","items":true}}
        """#

    private static let contentText = #"""
        "properties":{"contentEncoding":{"type":"string"},"contentMediaType":{"type":"string"},
         "contentSchema":{"$dynamicRef":"#meta"}}
        """#

    private static let draft7Text = #"""
        {"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://json-schema.org/draft-07/schema#",
         "definitions":{
          "schemaArray":{"type":"array","minItems":1,"items":{"$ref":"#"}},
          "nonNegativeInteger":{"type":"integer","minimum":0},
          "nonNegativeIntegerDefault0":{"$ref":"#/definitions/nonNegativeInteger"},
          "simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},
          "stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true}},
         "type":["object","boolean"],
         "properties":{
          "$id":{"type":"string","format":"uri-reference"},"$schema":{"type":"string","format":"uri"},
          "$ref":{"type":"string","format":"uri-reference"},"$comment":{"type":"string"},
          "title":{"type":"string"},"description":{"type":"string"},"default":true,"readOnly":{"type":"boolean"},
          "writeOnly":{"type":"boolean"},"examples":{"type":"array","items":true},
          "multipleOf":{"type":"number","exclusiveMinimum":0},
          "maximum":{"type":"number"},"exclusiveMaximum":{"type":"number"},
          "minimum":{"type":"number"},"exclusiveMinimum":{"type":"number"},
          "maxLength":{"$ref":"#/definitions/nonNegativeInteger"},
          "minLength":{"$ref":"#/definitions/nonNegativeInteger"},
          "pattern":{"type":"string","format":"regex"},
          "additionalItems":{"$ref":"#"},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/schemaArray"}]},
          "maxItems":{"$ref":"#/definitions/nonNegativeInteger"},
          "minItems":{"$ref":"#/definitions/nonNegativeInteger"},
          "uniqueItems":{"type":"boolean"},"contains":{"$ref":"#"},
          "maxProperties":{"$ref":"#/definitions/nonNegativeInteger"},
          "minProperties":{"$ref":"#/definitions/nonNegativeInteger"},
          "required":{"$ref":"#/definitions/stringArray"},"additionalProperties":{"$ref":"#"},
          "definitions":{"type":"object","additionalProperties":{"$ref":"#"}},
          "properties":{"type":"object","additionalProperties":{"$ref":"#"}},
          "patternProperties":{"type":"object","additionalProperties":{"$ref":"#"},
           "propertyNames":{"format":"regex"}},
          "dependencies":{"type":"object","additionalProperties":{
           "anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},
          "propertyNames":{"$ref":"#"},"const":true,"enum":{"type":"array","items":true},
          "type":{"anyOf":[{"$ref":"#/definitions/simpleTypes"},
           {"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"uniqueItems":true}]},
          "format":{"type":"string"},"contentMediaType":{"type":"string"},"contentEncoding":{"type":"string"},
          "if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"},"allOf":{"$ref":"#/definitions/schemaArray"},
          "anyOf":{"$ref":"#/definitions/schemaArray"},"oneOf":{"$ref":"#/definitions/schemaArray"},
          "not":{"$ref":"#"}}}
        """#
}
