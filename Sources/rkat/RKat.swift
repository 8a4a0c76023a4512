internal import ArgumentParser
internal import MeerkatIO
internal import MeerkatProtocol
internal import MeerkatServer

@main
struct RKat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rkat",
        abstract: "Keeps agent sessions alive and runs their turns.",
        version: "rkat \(ContractVersion.package) (contract \(ContractVersion.text))",
        subcommands: [CapabilitiesCommand.self, RPCCommand.self, TrustCommand.self])

    static func main() {
        // Before anything is read that a command of a model must not see.
        ProcessEnvironment.closeToOthers()
        var command: any ParsableCommand
        do { command = try parseAsRoot() } catch { exit(withError: error) }
        do {
            guard Directories.current != nil else {
                throw ValidationError("the working directory is gone, or its name is not UTF-8")
            }
            try command.run()
        } catch {
            // Help that was asked for is an error of its own kind.
            guard exitCode(for: error) != .success else { exit(withError: error) }
            let message = message(for: error)
            if !message.isEmpty { StandardError.write("Error: \(message)") }
            exit(withError: exitCode(for: error))
        }
    }
}
