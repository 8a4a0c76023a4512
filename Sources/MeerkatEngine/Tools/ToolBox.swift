internal import MeerkatCore
internal import MeerkatJSON
internal import MeerkatJSONSchema
internal import Synchronization

/// The tools of an open session, ready to be called.
final class ToolBox: Sendable {
    private let session: SessionTools
    private let byName: [String: any Tool]
    /// What models are told of them.
    let definitions: [ToolDefinition]
    /// Schemas by the name of the tool, each compiled at the first call.
    private let schemas = Mutex<[String: JSONSchema]>([:])

    init(_ session: SessionTools) {
        self.session = session
        byName = Dictionary(session.tools.map { ($0.definition.name, $0) }) { first, _ in first }
        var names: Set<String> = []
        definitions = session.tools.map(\.definition).filter { names.insert($0.name).inserted }
    }

    var isEmpty: Bool { definitions.isEmpty }

    subscript(name: String) -> (any Tool)? { byName[name] }

    /// Checks arguments against the schema of a tool.
    ///
    /// - Throws: ``ToolError/invalidArguments(_:)`` with what the model can do better.
    func check(_ arguments: RawJSON, for tool: any Tool) throws(ToolError) {
        let definition = tool.definition
        let violations: [SchemaViolation]
        do throws(JSONSchemaError) {
            violations = try schema(of: definition).violations(in: try arguments.tree())
        } catch {
            throw .executionFailed("the schema of \(definition.name) cannot be used: \(error)")
        }
        guard !violations.isEmpty else { return }
        throw .invalidArguments(violations.prefix(8).map { "\($0)" }.joined(separator: "; "))
    }

    private func schema(of definition: ToolDefinition) throws(JSONSchemaError) -> JSONSchema {
        if let schema = schemas.withLock({ $0[definition.name] }) { return schema }
        let schema = try JSONSchema(try definition.inputSchema.tree())
        schemas.withLock { $0[definition.name] = schema }
        return schema
    }

    func openWork() async -> String? { await session.openWork() }
    func close() async { await session.close() }
}

extension RawJSON {
    /// The value as a tree; it was checked when it was made.
    fileprivate func tree() throws(JSONSchemaError) -> JSONValue {
        do throws(JSONError) { return try value() } catch { throw .invalidSchema(path: "", message: "\(error)") }
    }
}
