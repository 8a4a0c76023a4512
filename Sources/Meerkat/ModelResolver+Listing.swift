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
            let endpoint = endpointStatus(of: name, settings)
            let configured = settings.providers.definitions[name]?.models ?? []
            let catalogued = ModelCatalog.entries.filter { $0.provider == name }.map(\.name)
            for model in configured + catalogued.filter({ !configured.contains($0) }) {
                models.append(listed(model, of: name, at: endpoint, settings))
            }
        }
        guard models.isEmpty, let only else { return models }
        let endpoint = (isAvailable: true, hasListPrices: false)
        return try await served(by: only, settings).map { listed($0, of: only, at: endpoint, settings) }
    }

    private func listed(
        _ model: String, of name: String, at endpoint: EndpointStatus, _ settings: Configuration
    ) -> ListedModel {
        ListedModel(
            provider: name, model: model,
            profile: knownProfile(of: model, provider: name, hasListPrices: endpoint.hasListPrices, settings),
            isAvailable: endpoint.isAvailable)
    }

    private typealias EndpointStatus = (isAvailable: Bool, hasListPrices: Bool)

    /// Whether a provider has an endpoint, and a key if it wants one, and whether it is the vendor's own; asks no server.
    private func endpointStatus(of name: String, _ settings: Configuration) -> EndpointStatus {
        let credentials = settings.credentials(for: name, in: environment)
        let definition = ProviderCatalog.definition(of: name, over: settings.providers.definitions[name])
        guard let url = credentials.baseURL?.value ?? definition?.baseURL else { return (false, true) }
        return (
            isAvailable: credentials.key != nil || requiredKey(of: name, at: url, settings) == nil,
            hasListPrices: ProviderCatalog.isOwn(url, of: name)
        )
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
