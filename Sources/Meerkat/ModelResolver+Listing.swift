internal import MeerkatCore
internal import MeerkatProviders

extension ModelResolver {
    /// The models that can be named, of all providers or of one.
    func models(of given: String?) async throws(SessionError) -> [ListedModel] {
        let settings = try settings()
        let only = given.map(Configuration.canonicalProvider)
        if let only, !knownProviders(settings).contains(only) { throw unknown(only, settings) }
        var models: [ListedModel] = []
        for name in knownProviders(settings) where only == nil || only == name {
            let isAvailable = isAvailable(name, settings)
            let configured = settings.providers.definitions[name]?.models ?? []
            let catalogued = ModelCatalog.entries.filter { $0.provider == name }.map(\.name)
            for model in configured + catalogued.filter({ !configured.contains($0) }) {
                models.append(listed(model, of: name, settings, isAvailable: isAvailable))
            }
        }
        guard models.isEmpty, let only else { return models }
        return try await served(by: only, settings).map { listed($0, of: only, settings, isAvailable: true) }
    }

    private func listed(
        _ model: String, of name: String, _ settings: Configuration, isAvailable: Bool
    ) -> ListedModel {
        ListedModel(
            provider: name, model: model, profile: profile(of: model, provider: name, settings, nil),
            isAvailable: isAvailable)
    }

    /// Whether a provider has an endpoint, and a key if it wants one; asks no server.
    private func isAvailable(_ name: String, _ settings: Configuration) -> Bool {
        let credentials = settings.credentials(for: name, in: environment)
        let definition = ProviderCatalog.definition(of: name, over: settings.providers.definitions[name])
        guard let url = credentials.baseURL?.value ?? definition?.baseURL else { return false }
        return credentials.key != nil || requiredKey(of: name, at: url, settings) == nil
    }

    /// The models that a server lists.
    ///
    /// Servers of Chat Completions are asked; the catalogue says what others have.
    func served(by name: String, _ settings: Configuration) async throws(SessionError) -> [String] {
        let place = try await place(of: name, settings)
        guard place.definition.kind == .openaiCompatible else { return [] }
        let connection = ProviderConnection(
            name: name, endpoint: try endpoint(at: place), transport: transport, clock: clock)
        do throws(ProviderError) {
            return try await OpenAICompatibleProvider(connection, place.definition).models()
        } catch {
            throw SessionError(.provider(error, provider: name))
        }
    }
}
