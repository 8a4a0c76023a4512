/// What is known of a model; nil where nothing is.
public struct ModelProfile: Sendable, Hashable {
    /// Tokens of a conversation, answer included.
    public var contextWindow: Int?
    /// Most tokens of one answer.
    public var outputLimit: Int?
    /// Whether it can be shown pictures.
    public var acceptsImages: Bool?
    /// Whether a temperature may be named; some models refuse every request that does.
    public var acceptsTemperature: Bool?
    /// Whether it thinks before it answers.
    public var reasons: Bool?
    /// Whether its provider holds an answer to a schema by itself.
    public var hasStructuredOutput: Bool?
    public var price: ModelPrice?

    public init(
        contextWindow: Int? = nil, outputLimit: Int? = nil, acceptsImages: Bool? = nil,
        acceptsTemperature: Bool? = nil, reasons: Bool? = nil, hasStructuredOutput: Bool? = nil,
        price: ModelPrice? = nil
    ) {
        self.contextWindow = contextWindow
        self.outputLimit = outputLimit
        self.acceptsImages = acceptsImages
        self.acceptsTemperature = acceptsTemperature
        self.reasons = reasons
        self.hasStructuredOutput = hasStructuredOutput
        self.price = price
    }
}
