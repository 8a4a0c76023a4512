internal import ArgumentParser
internal import Meerkat
internal import MeerkatCore
internal import MeerkatIO
internal import MeerkatStorage

/// `rkat trust`: lets the project's configuration decide about endpoints, keys and programs.
struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Show what the configuration file of this project could do, and trust it as it is now.")

    @Flag(help: "Trust without asking.")
    var yes = false

    func run() throws {
        guard let files = MeerkatRuntime(.process).configuration as? FileConfigurationStore else { return }
        guard let untrusted = try files.untrustedKeys() else { return Self.print("nothing to trust") }
        if let refusal = untrusted.refusal {
            throw ValidationError("\(untrusted.file) cannot be trusted: \(refusal)".escapedForTerminal)
        }
        Self.print("\(untrusted.file) says:")
        for line in untrusted.lines { Self.print("    " + line) }
        guard yes || Self.asks() else {
            Self.print("not trusted; `rkat trust --yes` trusts without asking")
            throw ExitCode.failure
        }
        try files.trust(untrusted)
        Self.print("trusted")
    }

    /// Asks whoever is at the terminal; without one, nobody says yes.
    private static func asks() -> Bool {
        guard Descriptors.isTerminal(Descriptors.standardInput) else { return false }
        _ = Descriptors.write(Array("Trust this? [y/N] ".utf8), to: Descriptors.standardOutput)
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    private static func print(_ line: String) {
        _ = Descriptors.write(Array((line.escapedForTerminal + "\n").utf8), to: Descriptors.standardOutput)
    }
}
