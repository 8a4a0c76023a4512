internal import Meerkat
internal import MeerkatIO
internal import MeerkatServer

/// What `scripts/chaos` kills: a server like `rkat rpc` whose model and tools are made to be watched.
///
///     chaos-victim DIRECTORY 2>>RECORDS
///
/// Sessions are kept where `RKAT_DATA_DIR` says. Standard error takes a line of JSON for each start and end of a tool and for
/// each history that the model is shown; a line that says `violation` names a broken promise. `CHAOS_LIFE` names the
/// process in these lines. `CHAOS_CLOCK` names a file with the milliseconds that are added to the time of day.
@main
enum ChaosVictim {
    static func main() {
        guard CommandLine.arguments.count == 2 else {
            Descriptors.writeIfReady("usage: chaos-victim DIRECTORY\n", to: Descriptors.standardError)
            return
        }
        let directory = CommandLine.arguments[1]
        RuntimeExecutor.use(ThreadPool(limit: max(2, ProcessEnvironment.processorCount)))
        var options = MeerkatRuntime.Options.process
        options.environment["HOME"] = directory
        options.workingDirectory = directory
        options.report = { Record.violation("unexpected notice: \($0)").write() }
        if let file = options.environment["CHAOS_CLOCK"] { options.clock = JumpingClock(file: file) }
        options.tools = RecordingTool.all
        options.provider = PlanningModel(clock: options.clock, marker: directory)
        let runtime = MeerkatRuntime(options)
        RPCServer(runtime: runtime, configuration: runtime.configuration, clock: options.clock, ids: options.ids)
            .serve()
    }
}
