internal import MeerkatCore
internal import MeerkatJSON
internal import MeerkatJSONSchema

/// Finds in an answer the JSON that was asked for.
struct AnswerCheck: Sendable {
    let retries: Int
    /// What the provider is not told of the schema.
    let warnings: [SchemaWarning]
    private let schema: JSONSchema

    init(_ output: OutputSchema, retries: Int, warnings: [SchemaWarning]) throws(SessionError) {
        do throws(JSONSchemaError) {
            schema = try JSONSchema(.object(output.schema))
        } catch {
            throw SessionError(.invalidOption(field: "output_schema", message: "\(error)"))
        }
        self.retries = retries
        self.warnings = warnings
    }

    /// The JSON in an answer, or what is wrong with it.
    func check(_ answer: String) -> Result<RawJSON, AnswerProblem> {
        let text = Self.withoutFence(answer)
        let json: RawJSON
        let value: JSONValue
        do throws(JSONError) {
            json = try RawJSON(text)
            value = try json.value()
        } catch {
            return .failure(AnswerProblem("invalid JSON: \(error)"))
        }
        let violations: [SchemaViolation]
        do throws(JSONSchemaError) {
            violations = try schema.violations(in: value)
        } catch {
            return .failure(AnswerProblem("the answer could not be checked: \(error)"))
        }
        guard let first = violations.first else { return .success(json) }
        let others = violations.count > 1 ? " (and \(violations.count - 1) more)" : ""
        return .failure(AnswerProblem("schema validation failed: \(first)\(others)"))
    }

    /// The text without white space and the Markdown fence around it.
    static func withoutFence(_ text: String) -> String {
        let trimmed = text.trimmed
        guard trimmed.hasPrefix("```"), let firstLineEnd = trimmed.firstIndex(where: \.isNewline) else {
            return String(trimmed)
        }
        let info = trimmed[trimmed.index(trimmed.startIndex, offsetBy: 3)..<firstLineEnd]
        guard !info.contains("`") else { return String(trimmed) }
        var body = trimmed[firstLineEnd...].trimmed
        if body.hasSuffix("```") { body = body.dropLast(3).trimmed }
        return String(body)
    }
}

/// What is wrong with an answer; it is told to the model.
struct AnswerProblem: Error, Sendable, Hashable {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The text without white space at its ends.
    var trimmed: Substring {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return self[start...end]
    }
}

extension EngineServices {
    /// The check of final answers that a run needs; nil when it asks for no schema.
    ///
    /// - Throws: ``SessionError/Cause/invalidOption(field:message:)`` when the schema cannot be used.
    func answerCheck(for options: SessionOptions, _ target: ResolvedModel) throws(SessionError) -> AnswerCheck? {
        guard let output = options.outputSchema else { return nil }
        let warnings = target.provider.warnings(for: output)
        if output.compatibility == .strict, let warning = warnings.first {
            throw SessionError(
                .invalidOption(
                    field: "output_schema", message: "\(warning.provider) at \(warning.path): \(warning.message)"))
        }
        return try AnswerCheck(output, retries: options.structuredOutputRetries ?? 2, warnings: warnings)
    }
}
