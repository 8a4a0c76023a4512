internal import ArgumentParser
internal import Meerkat
internal import MeerkatIO
internal import MeerkatStorage

/// `rkat trust`: lets the project's configuration decide about endpoints, keys and programs.
struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Trust the configuration file of this project as it is now.")

    func run() throws {
        guard let files = MeerkatRuntime(.process).configuration as? FileConfigurationStore else { return }
        let untrusted = try files.untrustedKeys()
        try files.trustProject()
        let text = untrusted.map { "trusted: " + $0.keys.map(\.description).joined(separator: ", ") }
        _ = Descriptors.write(
            Array(((text ?? "nothing to trust") + "\n").utf8), to: Descriptors.standardOutput)
    }
}
