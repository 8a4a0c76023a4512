internal import MeerkatCore
internal import MeerkatJSON

extension ModelRequest {
    /// What the answer is to fit: the schema of the run, else that of the parameter `structured_output`.
    var requestedOutput: OutputSchema? {
        if let outputSchema { return outputSchema }
        // Parameters are passed on as they are; what is no schema in them asks for nothing.
        guard let object = parameters["structured_output"]?.object else { return nil }
        return try? OutputSchema(object)
    }
}
