internal import MeerkatCore
internal import MeerkatJSON

/// Where a server had what its model thought; it is kept with the reasoning, which goes back there.
enum ChatReasoning {
    /// In tags at the beginning of the text.
    static let tags = "content"

    static func data(field: String, model: String) -> ProviderData {
        ProviderData(
            format: .chatCompletions, model: model, json: RawJSON(encoding: ["field": .string(field)] as JSONValue))
    }

    static func field(of data: ProviderData) -> String? {
        (try? data.json.value())?["field"]?.string  // it was read as JSON
    }

    /// Reasoning as models write it themselves.
    static func tagged(_ text: String) -> String { "<think>\(text)</think>\n\n" }
}
