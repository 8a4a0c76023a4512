public import MeerkatJSON

/// Speaks to one model endpoint: two pure translations and a transport.
///
/// Retry, time limits, usage accounting and the single end of a call belong to the engine.
public protocol ModelProvider: Sendable {
    /// The name in configuration and on the wire, for example `anthropic`.
    var name: String { get }
    /// Host (and port, unless it is the scheme's own) of the endpoint, for `run_started` and results.
    var endpoint: String { get }
    var wireFormat: WireFormat { get }

    /// Appends a group as the provider's messages, as elements of the array that `writer` is in.
    ///
    /// The same group and model give the same bytes, always.
    func render(_ group: MessageGroup, model: String, into writer: inout JSONWriter)

    /// What of a schema the provider is not told, because its own mode for structured answers does not know it.
    func warnings(for schema: OutputSchema) -> [SchemaWarning]

    /// What the provider knows of a model itself; nil leaves it to the catalogue.
    func profile(of model: String) -> ModelProfile?

    /// The pictures that the provider reads; it is shown a word for each of the others.
    var imageTypes: Set<Image.MediaType> { get }

    /// Makes one call and returns the whole answer; what streams meanwhile goes to `sink`.
    ///
    /// Ends promptly when the task is cancelled, with ``ProviderError/cancelled``.
    func stream(_ request: ModelRequest, into sink: any ModelSink) async throws(ProviderError) -> ModelAnswer
}

extension ModelProvider {
    public func warnings(for schema: OutputSchema) -> [SchemaWarning] { [] }
    public func profile(of model: String) -> ModelProfile? { nil }
    public var imageTypes: Set<Image.MediaType> { Set(Image.MediaType.allCases) }
}

/// Takes what a model streams.
///
/// Called on the transport's event loop, one call at a time; must not block.
public protocol ModelSink: Sendable {
    /// Takes a batch.
    ///
    /// - Returns: ``hasRoom`` afterwards; `false` asks the transport to stop reading until the action given to
    ///   ``whenDrained(_:)`` runs.
    func offer(_ batch: borrowing EventBatch) -> Bool
    /// Whether the reader of the events keeps up.
    var hasRoom: Bool { get }
    /// Runs `action` once there is room again; at once when there is.
    func whenDrained(_ action: @escaping @Sendable () -> Void)
}

/// One call of a model.
public struct ModelRequest: Sendable {
    public var model: String
    /// What is known of the model; a setting that it is known to refuse is left out.
    public var profile: ModelProfile
    /// The same for all calls of a session, so that a provider finds again what it has cached of it.
    public var conversation: String?
    public var maxTokens: Int
    public var temperature: Double?
    public var instructions: String
    public var tools: [ToolDefinition]
    /// Whether the model may call them; some providers must be told of tools that the history mentions all the same.
    public var usesTools: Bool
    /// What the answer is to fit, in the provider's own mode where it has one.
    public var outputSchema: OutputSchema?
    public var history: RenderedHistory
    /// Provider-specific settings of the session.
    public var parameters: JSONObject
    /// How large the answer may be.
    public var answerLimits = AnswerLimits()

    public init(
        model: String, profile: ModelProfile = ModelProfile(), conversation: String? = nil, maxTokens: Int,
        temperature: Double? = nil, instructions: String, tools: [ToolDefinition] = [], usesTools: Bool = true,
        outputSchema: OutputSchema? = nil, history: RenderedHistory, parameters: JSONObject = JSONObject()
    ) {
        self.model = model
        self.profile = profile
        self.conversation = conversation
        self.maxTokens = maxTokens
        self.temperature = temperature
        self.instructions = instructions
        self.tools = tools
        self.usesTools = usesTools
        self.outputSchema = outputSchema
        self.history = history
        self.parameters = parameters
    }
}

/// How large one answer of a model may be; a larger one fails with ``ProviderError/Reason/answerTooLarge``.
public struct AnswerLimits: Sendable, Hashable {
    /// Most bytes of the answer's body, decompressed and with everything that the API wraps around the text.
    public var maxBytes = 64 << 20
    public var maxToolCalls = 256

    public init() {}
}

/// The messages of a request, already in the provider's format and in order.
///
/// A chunk holds one or more messages with commas between them; between two chunks stands none yet.
/// Chunks are shared with the session's buffer; none is copied to make a request.
public struct RenderedHistory: Sendable {
    public var chunks: [[UInt8]]
    /// The pictures in it.
    public var images = ImageTally()

    public init(chunks: [[UInt8]], images: ImageTally = ImageTally()) {
        self.chunks = chunks
        self.images = images
    }

    public var byteCount: Int { chunks.reduce(0) { $0 + $1.count } }

    /// How long it is, in bytes without those of pictures, and the pictures.
    public struct Size: Sendable, Hashable {
        public var textBytes: Int
        public var imageTokenBound: Int
    }

    public var size: Size {
        Size(textBytes: max(byteCount - images.bytes, 0), imageTokenBound: images.tokenBound)
    }
}

/// How much of a history is pictures.
public struct ImageTally: Sendable, Hashable {
    /// Bytes of base64.
    public var bytes = 0
    /// The most tokens that any provider takes them for.
    public var tokenBound = 0

    public init() {}

    public mutating func add(_ group: MessageGroup) {
        guard case .input(_, let messages) = group else { return }
        for image in messages.joined().lazy.compactMap(\.image) {
            bytes += image.base64.utf8.count
            tokenBound += image.tokenBound
        }
    }
}

/// What a model answered.
public struct ModelAnswer: Sendable, Hashable {
    /// The blocks that the model is shown again, in order; may be empty.
    public var blocks: [Block]
    public var stopReason: StopReason
    /// Nil when the provider did not say.
    public var usage: Usage?
    /// The provider paused a long turn of its own: the conversation is sent again as it is now.
    public var isPaused: Bool
    /// What the call cost, when the provider said so itself.
    public var cost: USDollars?

    public init(
        blocks: [Block], stopReason: StopReason, usage: Usage?, isPaused: Bool = false, cost: USDollars? = nil
    ) {
        self.cost = cost
        self.blocks = blocks
        self.stopReason = stopReason
        self.usage = usage
        self.isPaused = isPaused
    }
}
