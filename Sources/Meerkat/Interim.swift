internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatJSON
internal import MeerkatProviders

struct DefaultConfiguration: ConfigurationStore {
    func current() throws(ConfigError) -> Configuration { Configuration() }
    func set(_ object: JSONObject) throws(ConfigError) {}
    func patch(_ patch: JSONObject) throws(ConfigError) -> JSONObject { try current().shown }
}

extension MeerkatRuntime {
    static func configuration(_ places: Places, _ options: Options) -> any ConfigurationStore { DefaultConfiguration() }
}

extension Configuration {
    func key(for provider: String, _ environment: [String: String]) -> String? { environment["ANTHROPIC_API_KEY"] }
    func baseURL(for provider: String, _ environment: [String: String]) -> String? {
        provider == "anthropic" ? environment["ANTHROPIC_BASE_URL"] : environment["RKAT_LOCAL_URL"]
    }
}
