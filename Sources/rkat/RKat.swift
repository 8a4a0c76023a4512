internal import ArgumentParser
internal import MeerkatIO
internal import MeerkatProtocol

@main
struct RKat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rkat",
        abstract: "Keeps agent sessions alive and runs their turns.",
        version: "rkat \(ContractVersion.package) (contract \(ContractVersion.text))",
        subcommands: [CapabilitiesCommand.self, RPCCommand.self, TrustCommand.self])

    /// Before anything is read that a command of a model must not see.
    static func main() {
        ProcessEnvironment.closeToOthers()
        main(nil)
    }
}
