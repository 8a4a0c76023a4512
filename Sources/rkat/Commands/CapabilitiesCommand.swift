internal import ArgumentParser
internal import Meerkat
internal import MeerkatIO
internal import MeerkatJSON
internal import MeerkatProtocol
internal import MeerkatServer

/// `rkat capabilities`: what this build can do, as JSON.
struct CapabilitiesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capabilities", abstract: "Print what this build can do, as JSON.")

    func run() {
        let configuration = MeerkatRuntime(.process).configuration
        let capabilities = Capabilities(sandbox: SandboxStatus(of: configuration))
        _ = Descriptors.write(capabilities.jsonBytes + [UInt8(ascii: "\n")], to: Descriptors.standardOutput)
    }
}
