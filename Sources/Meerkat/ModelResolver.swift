internal import MeerkatCore
internal import MeerkatEngine
internal import MeerkatIO
internal import MeerkatJSON
internal import MeerkatProviders
internal import MeerkatStorage
internal import Synchronization

/// Chooses provider, model, endpoint and key for a session; nothing is substituted silently.
final class ModelResolver: Sendable {
    let configuration: any ConfigurationStore
    let environment: [String: String]
    let provider: (any ModelProvider)?
    let clock: any RuntimeClock
    let transport: any HTTPTransport
    let localServers: LocalServers
    let notices: Notices
    /// The providers in use; a run must not pay for making one.
    private let made = Mutex<[Place: Made]>([:])
    private let gates = Mutex<[String: AsyncSemaphore]>([:])

    init(configuration: any ConfigurationStore, options: MeerkatRuntime.Options) {
        self.configuration = configuration
        environment = options.environment
        clock = options.clock
        provider =
            options.provider ?? (options.environment["RKAT_TEST_CLIENT"] == "1" ? TestProvider() : nil)
        transport = AsyncHTTPTransport(
            AsyncHTTPTransport.Options(
                connectTimeout: configuration.currentOrDefault.timeouts.connect,
                maxInflatedBytes: configuration.currentOrDefault.limits.maxAnswerBytes,
                certificateFile: options.environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 },
                proxies: ProxySettings(environment: options.environment)))
        notices = Notices(options.report)
        localServers = LocalServers(transport: transport, clock: options.clock, report: options.report)
    }

    func settings() throws(SessionError) -> Configuration {
        do throws(ConfigError) {
            if let files = configuration as? FileConfigurationStore, let untrusted = try files.untrustedKeys() {
                notices.tell(untrusted.message)
            }
            return try configuration.current()
        } catch {
            throw SessionError(.configuration(error))
        }
    }

    // MARK: At creation

    /// The options with provider, model and the other settings of the configuration filled in; the session keeps them.
    func resolve(_ options: SessionOptions) async throws(SessionError) -> SessionOptions {
        let settings = try settings()
        if let feature = settings.unavailableFeature { throw SessionError(.unavailable(feature: feature)) }
        var resolved = options
        resolved.temperature = settings.agent.temperature
        if let configured = settings.agent.providerParams {
            resolved.providerParams = configured.merging(options.providerParams ?? JSONObject())
        }
        if resolved.outputSchema == nil { resolved.outputSchema = try settings.agent.parsedOutputSchema() }
        resolved.structuredOutputRetries = options.structuredOutputRetries ?? settings.agent.structuredOutputRetries
        resolved.enableBuiltins = options.enableBuiltins ?? settings.tools.builtinsEnabled
        resolved.enableShell = options.enableShell ?? settings.tools.shellEnabled
        resolved.limits = options.limits.merging(settings.runLimits)
        resolved.workingDirectory = try options.checkedWorkingDirectory()
        let choice = try await choose(options, settings)
        resolved.provider = choice.provider
        resolved.model = choice.model
        resolved.maxTokens = options.maxTokens ?? settings.effectiveMaxTokens
        let fallbacks = try fallbacks(options.fallbackModels ?? settings.agent.fallbackModels, settings)
        resolved.fallbackModels = fallbacks.isEmpty ? nil : fallbacks
        _ = try await model(for: resolved)
        return resolved
    }

    /// What one turn has otherwise, with the provider of the model that it names.
    ///
    /// A model of an unknown family is asked of the session's provider.
    func resolve(overrides: SessionOptions) throws(SessionError) -> SessionOptions {
        var resolved = overrides
        if let given = overrides.provider { resolved.provider = Configuration.canonicalProvider(given) }
        if let models = overrides.fallbackModels { resolved.fallbackModels = try fallbacks(models, try settings()) }
        guard let model = overrides.model, overrides.provider == nil else { return resolved }
        do throws(SessionError) { resolved.provider = try infer(model, try settings()) } catch {
            guard case .provider = error.cause else { throw error }
        }
        return resolved
    }

    /// The fallback models with their providers.
    private func fallbacks(
        _ models: [ModelChoice], _ settings: Configuration
    ) throws(SessionError) -> [ModelChoice] {
        var choices: [ModelChoice] = []
        for choice in models {
            let given = choice.provider.map(Configuration.canonicalProvider)
            let provider = if let given { given } else { try infer(choice.model, settings) }
            guard self.provider != nil || knownProviders(settings).contains(provider) else {
                throw unknown(provider, settings)
            }
            choices.append(ModelChoice(provider: provider, model: choice.model))
        }
        return choices
    }

    private func choose(
        _ options: SessionOptions, _ settings: Configuration
    ) async throws(SessionError) -> (provider: String, model: String) {
        let agentModel = settings.agent.model
        if let model = options.model {
            if let given = options.provider { return (Configuration.canonicalProvider(given), model) }
            return (try infer(model, settings), model)
        }
        if let given = options.provider {
            let name = Configuration.canonicalProvider(given)
            if provider != nil || ModelCatalog.provider(of: agentModel) == name { return (name, agentModel) }
            return (name, try await defaultModel(of: name, settings))
        }
        if agentModel != Configuration.Agent.defaultModel || provider != nil {
            return (try infer(agentModel, settings), agentModel)
        }
        return try await chooseByWhatIsThere(settings)
    }

    /// Neither the request nor the configuration names anything: what there is decides.
    private func chooseByWhatIsThere(
        _ settings: Configuration
    ) async throws(SessionError) -> (provider: String, model: String) {
        if settings.credentials(for: "anthropic", in: environment).key != nil {
            return ("anthropic", Configuration.Agent.defaultModel)
        }
        for name in ["openai", "gemini"] where settings.credentials(for: name, in: environment).key != nil {
            return (name, try await defaultModel(of: name, settings))
        }
        if settings.credentials(for: "openai_compatible", in: environment).baseURL != nil {
            return ("openai_compatible", try await defaultModel(of: "openai_compatible", settings))
        }
        if settings.providers.local, let found = await localServers.use() {
            return ("openai_compatible", found.models[0])
        }
        let remedies =
            "no model can be used: set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY (API key), or RKAT_LOCAL_URL "
            + "to an OpenAI-compatible server"
        // Whoever listens does not become the model by that.
        guard let found = await localServers.discover() else { throw notConfigured(nil, remedies) }
        throw notConfigured(
            nil,
            "\(remedies); one that lists \(found.models[0].quoted) answers at \(found.baseURL): set "
                + "RKAT_LOCAL_URL=\(found.baseURL), or providers.local = true in ~/.rkat/config.toml, to use it")
    }

    private func defaultModel(of name: String, _ settings: Configuration) async throws(SessionError) -> String {
        if let model = settings.providers.definitions[name]?.models.first { return model }
        switch name {
        case "anthropic": return settings.models.anthropic
        case "openai": return settings.models.openai
        case "gemini": return settings.models.gemini
        default: break
        }
        if let model = try await served(by: name, settings).first { return model }
        throw notConfigured(name, "\(name) lists no models; name one")
    }

    private func infer(_ model: String, _ settings: Configuration) throws(SessionError) -> String {
        for (name, definition) in settings.providers.definitions where definition.models.contains(model) { return name }
        guard let provider = ModelCatalog.provider(of: model) else {
            throw notConfigured(
                nil, "cannot infer the provider of model \"\(model.quoted)\"; name the provider as well")
        }
        return provider
    }

    // MARK: At each run

    /// The provider and what is asked of it.
    func model(for options: SessionOptions) async throws(SessionError) -> ResolvedModel {
        let settings = try settings()
        let name = options.provider ?? "anthropic"
        guard let model = options.model else { throw notConfigured(name, "the session names no model") }
        let made = try await made(name, settings)
        var profile =
            provider.map { $0.profile(of: model) ?? ModelProfile() }
            ?? knownProfile(of: model, provider: name, hasListPrices: made.hasListPrices, settings)
        if let parameters = options.providerParams, parameters.changesPrice { profile.price = nil }
        let maxTokens = options.maxTokens ?? settings.effectiveMaxTokens
        return ResolvedModel(
            provider: made.provider, model: model, profile: profile, gate: gate(name, settings),
            maxTokens: min(maxTokens, profile.outputLimit ?? maxTokens), temperature: options.temperature,
            parameters: options.providerParams ?? JSONObject())
    }

    /// What is known of a model, by the catalogue and the configuration.
    func knownProfile(
        of model: String, provider name: String, hasListPrices: Bool, _ settings: Configuration
    ) -> ModelProfile {
        var profile = ModelCatalog.profile(of: model, provider: name, at: clock.now)
        if !hasListPrices { profile.price = nil }
        if let price = settings.providers.definitions[name]?.price(of: model) { profile.price = price }
        return profile
    }

    /// The gate of a provider with a limit of calls.
    private func gate(_ name: String, _ settings: Configuration) -> AsyncSemaphore? {
        let limit = settings.providers.definitions[name]?.maxConcurrent
        return gates.withLock { gates in
            guard let limit else {
                // Those who wait are let in when the limit is taken away.
                gates.removeValue(forKey: name)?.setLimit(.max)
                return nil
            }
            let gate = gates[name] ?? AsyncSemaphore(limit: limit)
            gate.setLimit(limit)
            gates[name] = gate
            return gate
        }
    }

    /// A provider that was made once, and whether it is reached where the prices of the catalogue hold: what a proxy asks
    /// for is not known.
    private struct Made: Sendable {
        var provider: any ModelProvider
        var hasListPrices: Bool
    }

    private func made(_ name: String, _ settings: Configuration) async throws(SessionError) -> Made {
        if let provider { return Made(provider: provider, hasListPrices: true) }
        let place = try await place(of: name, settings)
        if place.key == nil, let variable = requiredKey(of: name, at: place.url, settings) {
            throw notConfigured(name, "no API key for \(name): set \(variable)")
        }
        if let made = made.withLock({ $0[place] }) { return made }
        let connection = ProviderConnection(
            name: name, endpoint: try endpoint(at: place), transport: transport, clock: clock)
        let new = Made(
            provider: ProviderCatalog.provider(connection, place.definition),
            hasListPrices: ProviderCatalog.isOwn(place.url, of: name))
        made.withLock { $0[place] = new }
        return new
    }

    /// The variable of the key that a provider wants; nil when it may have none.
    func requiredKey(of name: String, at url: String, _ settings: Configuration) -> String? {
        guard !settings.providers.withoutKey.contains(name) else { return nil }
        if let variable = settings.providers.definitions[name]?.apiKeyEnv { return variable }
        guard ProviderCatalog.wantsKey(name), URLLocation(url)?.isLoopback != true else { return nil }
        return settings.keyVariables(of: name).first { !$0.hasPrefix("RKAT_") }
    }

    /// What an endpoint is made of.
    struct Place: Hashable, Sendable {
        var provider: String
        var url: String
        var key: String?
        var allowsPlainHTTP: Bool
        var definition: Configuration.ProviderDefinition

        /// Enough to tell places apart; a definition has many members.
        func hash(into hasher: inout Hasher) {
            hasher.combine(provider)
            hasher.combine(url)
        }
    }

    func place(of name: String, _ settings: Configuration) async throws(SessionError) -> Place {
        guard var definition = ProviderCatalog.definition(of: name, over: settings.providers.definitions[name]) else {
            throw unknown(name, settings)
        }
        // Headers may hold credentials as well.
        if settings.providers.withoutKey.contains(name) { definition.headers = nil }
        let credentials = settings.credentials(for: name, in: environment)
        var url = credentials.baseURL?.value ?? definition.baseURL
        if url == nil, name == "openai_compatible", settings.providers.local {
            url = await localServers.use()?.baseURL
        }
        guard let url else {
            let variable = name == "openai_compatible" ? "RKAT_LOCAL_URL or " : ""
            throw notConfigured(name, "no base URL for \(name): set \(variable)providers.base_urls.\(name)")
        }
        let allowed = settings.providers.allowHTTP
        return Place(
            provider: name, url: url, key: credentials.key?.value,
            allowsPlainHTTP: !allowed.isEmpty && URLLocation(url).map { allowed.contains($0.host) } ?? false,
            definition: definition)
    }

    func endpoint(at place: Place) throws(SessionError) -> Endpoint {
        do throws(ProviderError) {
            return try Endpoint(
                place.url, key: place.key.flatMap { APIKey($0) }, allowsPlainHTTP: place.allowsPlainHTTP,
                headers: place.definition.headers?.map { Endpoint.Header(name: $0.name, value: $0.value) } ?? [])
        } catch {
            throw SessionError(.provider(error, provider: place.provider))
        }
    }

    /// The names of all providers, first those that are shipped.
    func knownProviders(_ settings: Configuration) -> [String] {
        let shipped = ProviderCatalog.rows.map(\.name)
        return shipped + settings.providers.definitions.map(\.name).filter { !shipped.contains($0) }
    }

    // MARK: Errors

    func unknown(_ name: String, _ settings: Configuration) -> SessionError {
        let known = knownProviders(settings)
        return notConfigured(
            name.quoted, "provider \"\(name.quoted)\" is not available; this build has \(known.joined(separator: ", "))"
        )
    }

    private func notConfigured(_ provider: String?, _ message: String) -> SessionError {
        SessionError(.provider(ProviderError(.notConfigured, message), provider: provider))
    }
}

extension JSONObject {
    private static let priceChanging = [
        "inference_geo", "speed", "tools", "web_search_options", "modalities", "context", "compaction", "n", "best_of",
        "models", "plugins",
    ]

    /// Whether there are parameters that make a call cost something else than the catalogue says: another tier or region,
    /// a cache that lasts longer, or tools of the provider, which cost something themselves.
    fileprivate var changesPrice: Bool {
        for name in Self.priceChanging {
            if let value = self[name], !value.isNull, value != [] { return true }
        }
        if let tier = self["service_tier"]?.string, !["default", "standard_only"].contains(tier) { return true }
        return self["cache_control"]?["ttl"].map { $0 != "5m" } ?? false
    }

    /// The members of both, those of `other` in place of this one's.
    func merging(_ other: JSONObject) -> JSONObject {
        var merged = self
        for member in other.members { merged[member.name] = member.value }
        return merged
    }
}

extension SessionOptions {
    /// The working directory without symbolic links; nil when none is given.
    fileprivate func checkedWorkingDirectory() throws(SessionError) -> String? {
        guard let given = workingDirectory else { return nil }
        guard given.hasPrefix("/") else {
            throw SessionError(.invalidOption(field: "cwd", message: "must be an absolute path"))
        }
        guard let path = Directories.resolved(given), Directories.isDirectory(path) else {
            throw SessionError(.invalidOption(field: "cwd", message: "\"\(given.quoted)\" is no directory"))
        }
        return path
    }
}

extension Configuration.Agent {
    /// The configured output schema.
    fileprivate func parsedOutputSchema() throws(SessionError) -> OutputSchema? {
        guard let value = outputSchema, !value.isNull else { return nil }
        do throws(OutputSchemaError) {
            // Text that is no JSON is no object either.
            let parsed = value.string.flatMap { try? JSONValue(json: Array($0.utf8)) } ?? value
            guard let object = parsed.object else {
                throw OutputSchemaError(member: "output_schema", expected: "an object")
            }
            return try OutputSchema(object)
        } catch {
            throw SessionError(
                .invalidOption(field: "agent.output_schema", message: "\(error.member) must be \(error.expected)"))
        }
    }
}

/// Tells a person each thing once.
final class Notices: Sendable {
    private let report: @Sendable (String) -> Void
    private let told = Mutex<Set<String>>([])

    init(_ report: @escaping @Sendable (String) -> Void) {
        self.report = report
    }

    func tell(_ text: String) {
        if told.withLock({ $0.insert(text).inserted }) { report(text) }
    }
}
