public import MeerkatJSON

/// Where the runtime asks for its settings.
public protocol ConfigurationSource: Sendable {
    /// The configuration in force now; cheap enough to be asked for every new session.
    func current() throws(ConfigError) -> Configuration
}

/// A configuration that can be shown and changed.
public protocol ConfigurationStore: ConfigurationSource {
    /// Every key with the value in force, and the unknown keys that the files hold; in place of what ``SecretKeys``
    /// names, ``SecretKeys/mask``, which stands for the value in force when it is given back.
    func get() throws(ConfigError) -> JSONObject

    /// Makes `object` the configuration, defaults for the rest.
    ///
    /// Only keys that differ from the layers below are stored.
    ///
    /// - Throws: ``ConfigError`` with ``ErrorCode/invalidParams`` when `object` is refused, and with
    ///   ``ErrorCode/internalError`` when a file cannot be read or written; nothing has changed then.
    func set(_ object: JSONObject) throws(ConfigError)

    /// Applies a merge patch (RFC 7396) to the configuration; `null` removes the key from the file.
    ///
    /// - Returns: the configuration after that, as ``get()`` shows it.
    /// - Throws: as ``set(_:)`` does.
    func patch(_ patch: JSONObject) throws(ConfigError) -> JSONObject
}

extension ConfigurationStore {
    public func get() throws(ConfigError) -> JSONObject { try current().shown }
}
