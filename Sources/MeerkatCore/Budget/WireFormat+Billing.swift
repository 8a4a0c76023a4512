extension WireFormat {
    /// Whether a call that was answered with a status other than 2xx has surely cost nothing.
    ///
    /// A status counts only where the vendor says so or the request was refused before a model can have read it. Any
    /// other failed call may have been billed: Azure bills 400 for filtered content or input that is too long, and 408;
    /// xAI bills what breaks its rules, which it reports as 403.
    ///
    /// Sources: <https://ai.google.dev/gemini-api/docs/billing> (400 and 500 are not billed),
    /// <https://learn.microsoft.com/azure/ai-services/openai/how-to/manage-costs> (401 and 429 are not, 400 and 408 may be),
    /// <https://docs.x.ai/docs/models> (the fee for violations),
    /// <https://docs.anthropic.com/en/api/errors> (413 is answered before the request reaches the API).
    public func isUnbilled(status: Int) -> Bool {
        switch status {
        // No valid key, no credit, no such model or path, a body that is too large, a rate limit.
        case 401, 402, 404, 413, 429: true
        // The key may not use the model.
        case 403: self == .anthropicMessages || self == .geminiGenerateContent
        case 400, 500: self == .geminiGenerateContent
        default: false
        }
    }
}
