public import MeerkatJSON

/// `config/get`: the configuration in force, as the object itself.
public enum ConfigGet: RPCMethod {
    public static let name = "config/get"
    public typealias Params = NoParams
    public typealias Result = JSONObject
}

/// `config/set`: replaces the configuration.
public enum ConfigSet: RPCMethod {
    public static let name = "config/set"
    public typealias Result = Flag

    /// The configuration itself, or wrapped as `{"config":{…}}`.
    public struct Params: JSONReadable, Sendable {
        public var config: JSONObject

        public init(from reader: inout JSONReader) throws(JSONError) {
            config = try JSONObject(from: &reader).unwrapped("config")
        }
    }
}

/// `config/patch`: changes the configuration by a merge patch (RFC 7396) and answers with what is in force then.
public enum ConfigPatch: RPCMethod {
    public static let name = "config/patch"
    public typealias Result = JSONObject

    /// The patch itself, or wrapped as `{"patch":{…}}`.
    public struct Params: JSONReadable, Sendable {
        public var patch: JSONObject

        public init(from reader: inout JSONReader) throws(JSONError) {
            patch = try JSONObject(from: &reader).unwrapped("patch")
        }
    }
}

extension JSONObject {
    /// The value of the only member when that is called `name` and is an object; else the object itself.
    fileprivate func unwrapped(_ name: String) -> JSONObject {
        guard members.count == 1, let inner = self[name]?.object else { return self }
        return inner
    }
}

/// `capabilities/get`: what this build can do.
public enum CapabilitiesGet: RPCMethod {
    public static let name = "capabilities/get"
    public typealias Params = NoParams
    public typealias Result = Capabilities
}
