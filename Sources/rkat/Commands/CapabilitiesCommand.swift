internal import ArgumentParser
internal import MeerkatIO
internal import MeerkatJSON
internal import MeerkatProtocol

/// `rkat capabilities`: what this build can do, as JSON.
struct CapabilitiesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capabilities", abstract: "Print what this build can do, as JSON.")

    func run() {
        _ = Descriptors.write(Capabilities().jsonBytes + [UInt8(ascii: "\n")], to: Descriptors.standardOutput)
    }
}
