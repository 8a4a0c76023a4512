internal import MeerkatCore
internal import MeerkatTools

/// Makes the tools of a session from what it asks for.
struct ToolMaker: Sendable {
    let places: Places
    let configuration: any ConfigurationStore
    let options: MeerkatRuntime.Options

    func tools(for scope: ToolScope) -> SessionTools {
        var tools: [any Tool] = []
        if scope.options.enableBuiltins == true { tools += [DateTimeTool(), WaitTool()] as [any Tool] }
        return SessionTools(tools: options.tools + tools)
    }
}
