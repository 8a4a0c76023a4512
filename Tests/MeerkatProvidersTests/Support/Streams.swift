import MeerkatCore
import MeerkatJSON

@testable import MeerkatProviders

/// Frames each text as an event without a name.
func stream(_ events: String...) -> [UInt8] { stream(events) }

func stream(_ events: [String]) -> [UInt8] { Array(events.map { "data: \($0)\n\n" }.joined().utf8) }

extension Outcome {
    static func anthropic(_ pieces: [UInt8]...) -> Outcome {
        decoding(pieces, with: AnthropicStreamDecoder(model: "claude", failure: ProviderFailure(key: nil)))
    }

    static func chat(_ pieces: [UInt8]...) -> Outcome {
        decoding(pieces, with: ChatStreamDecoder(model: "local", failure: ProviderFailure(key: nil)))
    }

    static func openai(_ pieces: [UInt8]...) -> Outcome {
        decoding(pieces, with: OpenAIStreamDecoder(model: "gpt", failure: ProviderFailure(key: nil)))
    }
}

extension Outcome {
    static func gemini(_ pieces: [UInt8]...) -> Outcome {
        decoding(pieces, with: GeminiStreamDecoder(model: "gemini", failure: ProviderFailure(key: nil)))
    }
}

extension ProviderData {
    init(_ format: WireFormat, _ model: String, _ json: String) throws {
        self.init(format: format, model: model, json: try RawJSON(json))
    }
}

/// The text that `group` is rendered as.
func rendered(_ groups: [MessageGroup], by provider: some ModelProvider, model: String) -> String {
    var writer = JSONWriter()
    for group in groups { provider.render(group, model: model, into: &writer) }
    return String(decoding: writer.bytes, as: UTF8.self)
}
