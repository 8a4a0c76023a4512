internal import ArgumentParser
internal import Meerkat
internal import MeerkatIO
internal import MeerkatServer

/// `rkat rpc`: serves JSON-RPC on standard input and output until the input ends.
struct RPCCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rpc", abstract: "Serve JSON-RPC 2.0 on standard input and output, a message a line.")

    @Flag(help: "Keep sessions in memory only.")
    var ephemeral = false

    func run() {
        Descriptors.openMissingStandard()
        let process = MeerkatRuntime.Options.process
        // What commands of a model can see of this process must not hold a key.
        ProcessEnvironment.conceal { $0.uppercased().hasSuffix("_API_KEY") }
        RuntimeExecutor.use(ThreadPool(limit: max(2, ProcessEnvironment.processorCount)))
        var options = process
        options.isEphemeral = ephemeral
        options.report = { StandardError.write("rkat: \($0)") }
        options.log = Log(level: Log.level(in: options.environment), clock: options.clock) { StandardError.write($0) }
        let runtime = MeerkatRuntime(options)
        RPCServer(
            runtime: runtime, configuration: runtime.configuration, clock: options.clock, ids: options.ids,
            log: options.log
        ).serve()
    }
}
