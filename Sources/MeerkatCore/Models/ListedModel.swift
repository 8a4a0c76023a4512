/// A model that can be named, as far as it is known.
public struct ListedModel: Sendable, Hashable {
    public var provider: String
    public var model: String
    public var profile: ModelProfile
    /// Whether there is an endpoint for it, with a key if it wants one.
    public var isAvailable: Bool

    public init(provider: String, model: String, profile: ModelProfile, isAvailable: Bool) {
        self.provider = provider
        self.model = model
        self.profile = profile
        self.isAvailable = isAvailable
    }
}
