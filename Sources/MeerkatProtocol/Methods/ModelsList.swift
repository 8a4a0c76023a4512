public import MeerkatCore
public import MeerkatJSON

/// `models/list`: the models that can be named, those of the catalogue and those of the configuration.
///
/// Of a provider that is named and of which nothing is known, its server is asked.
public enum ModelsList: RPCMethod {
    public static let name = "models/list"

    public struct Params: JSONReadable, Sendable {
        /// Only this provider's models.
        public var provider: String?

        public init(from reader: inout JSONReader) throws(JSONError) {
            var provider: String?
            try reader.readObject { (reader, key) throws(JSONError) in
                if case "provider" = key { provider = try reader.readOptional() }
            }
            self.provider = provider
        }
    }

    public struct Result: JSONWritable, Sendable {
        public var models: [ListedModel]

        public init(_ models: [ListedModel]) {
            self.models = models
        }

        public func write(to writer: inout JSONWriter) {
            writer.writeObject { writer in
                writer.member("models") { writer in
                    writer.writeArray { writer in
                        for model in models { writer.element { model.write(to: &$0) } }
                    }
                }
            }
        }
    }
}

extension ListedModel {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("provider", provider)
            writer.member("model", model)
            writer.memberOrNull("context_window", profile.contextWindow)
            writer.memberOrNull("output_limit", profile.outputLimit)
            writer.member("abilities") { writer in
                writer.writeObject { writer in
                    writer.memberOrNull("images", profile.acceptsImages)
                    writer.memberOrNull("reasoning", profile.reasons)
                    writer.memberOrNull("temperature", profile.acceptsTemperature)
                    writer.memberOrNull("structured_output", profile.hasStructuredOutput)
                }
            }
            writer.member("price") { writer in
                if let price = profile.price { price.write(to: &writer) } else { writer.writeNull() }
            }
            writer.member("available", isAvailable)
        }
    }
}

extension ModelPrice {
    /// Writes the prices of a million tokens.
    fileprivate func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            rates.writeMembers(to: &writer)
            if let longInput {
                writer.member("long_input") { writer in
                    writer.writeObject { writer in
                        writer.member("above_tokens", longInput.above)
                        longInput.rates.writeMembers(to: &writer)
                    }
                }
            }
            writer.member("date", date)
            writer.member("last_day", lastDay)
        }
    }
}

extension ModelPrice.Rates {
    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.member("input", input * 1_000_000)
        writer.member("output", output * 1_000_000)
        writer.member("cache_read", cacheRead.map { $0 * 1_000_000 })
        writer.member("cache_write", cacheWrite.map { $0 * 1_000_000 })
    }
}

extension JSONWriter {
    /// Writes a member, null when its value is nil.
    mutating func memberOrNull(_ name: StaticString, _ value: (some JSONWritable)?) {
        member(name) { writer in
            if let value { value.write(to: &writer) } else { writer.writeNull() }
        }
    }
}
