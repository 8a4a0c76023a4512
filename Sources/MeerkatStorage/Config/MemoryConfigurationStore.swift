public import MeerkatCore
public import MeerkatJSON
internal import Synchronization

/// A configuration that lives as long as the process.
public final class MemoryConfigurationStore: ConfigurationStore {
    private let layers: Mutex<ConfigLayers>

    /// - Parameter below: What counts where nothing has been written, as a tree.
    public init(below: JSONObject = JSONObject()) {
        layers = Mutex(ConfigLayers(below: below, top: JSONObject()))
    }

    public func current() throws(ConfigError) -> Configuration {
        try layers.withLock { (layers) throws(ConfigError) in try layers.configuration() }
    }

    public func set(_ object: JSONObject) throws(ConfigError) {
        try layers.withLock { (layers) throws(ConfigError) in
            let object = try SecretKeys.restored(object, from: try layers.configuration().object)
            layers = ConfigLayers(below: layers.below, top: try layers.replacing(with: object))
        }
    }

    public func patch(_ patch: JSONObject) throws(ConfigError) -> JSONObject {
        try layers.withLock { (layers) throws(ConfigError) in
            let patch = try SecretKeys.restored(patch, from: try layers.configuration().object)
            layers = ConfigLayers(below: layers.below, top: try layers.patching(with: patch))
            return try layers.configuration().shown
        }
    }
}
