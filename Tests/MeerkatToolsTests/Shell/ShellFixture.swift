import Foundation
import MeerkatCore
import MeerkatIO
import MeerkatJSON
import MeerkatTesting
import MeerkatTools
import Synchronization
import Testing

/// The shell of a session in a project of its own, with a clock that stands still.
final class ShellFixture: Sendable {
    /// The project root; the session works in `inner` below it.
    let root: String
    let clock = TestClock()
    let shell: Shell
    /// Messages to the conversation.
    let posts: AsyncStream<String>
    private let started = Mutex<[ToolProcess]>([])

    init(environment: [String: String] = [:]) throws {
        let made = FileManager.default.temporaryDirectory.path + "/meerkat-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: made + "/inner", withIntermediateDirectories: true)
        let root = try #require(Directories.resolved(made))
        self.root = root
        let (posts, post) = AsyncStream.makeStream(of: String.self)
        self.posts = posts
        let own = SettingsBox()
        let path = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
        shell = Shell(
            Shell.Surroundings(
                workingDirectory: root + "/inner", projectRoot: root,
                environment: path.merging(environment) { $1 }, outputDirectory: root + "/outputs", clock: clock,
                ids: RandomIDGenerator()),
            settings: { own.settings.withLock { $0 } },
            post: { origin, blocks in
                #expect(origin == .job)
                for block in blocks { post.yield(block.text ?? "") }
            })
        settingsBox = own
    }

    private let settingsBox: SettingsBox

    private final class SettingsBox: Sendable {
        let settings = Mutex(Configuration.Shell())
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func configure(_ change: (inout Configuration.Shell) -> Void) {
        settingsBox.settings.withLock { change(&$0) }
    }

    /// What the journal was told.
    var startedProcesses: [ToolProcess] { started.withLock { $0 } }

    /// Calls a tool of the shell as the engine does.
    func call(
        _ name: String, _ arguments: JSONObject, refusing refusal: ToolError? = nil
    ) async throws -> JSONValue {
        let tool = try #require(shell.tools.first { $0.definition.name == name })
        let ids = RandomIDGenerator()
        let context = ToolContext(
            session: SessionID(ids.uniqueID(at: clock.now)), run: RunID(ids.uniqueID(at: clock.now)), toolUseID: "call",
            clock: clock
        ) { [self] (process) throws(ToolError) in
            started.withLock { $0.append(process) }
            if let refusal { throw refusal }
        }
        let output = try await tool.call(json: RawJSON(encoding: arguments), in: context)
        return try JSONValue(json: Array(try #require(output.content.first?.text).utf8))
    }

    func shell(_ command: String, _ more: JSONObject = JSONObject()) async throws -> JSONValue {
        var arguments: JSONObject = ["command": .string(command)]
        for member in more.members { arguments[member.name] = member.value }
        return try await call("shell", arguments)
    }

    /// Starts a background job.
    func job(_ command: String, _ more: JSONObject = JSONObject()) async throws -> String {
        var arguments = more
        arguments["background"] = true
        return try #require(try await shell(command, arguments)["job_id"]?.string)
    }

    func status(_ job: String) async throws -> JSONValue? {
        try await call("shell_job_status", ["job_id": .string(job)])["status"]
    }

    /// A named pipe in the working directory; whoever opens one end waits for the other.
    func makePipe(_ name: String) throws -> String {
        let path = root + "/inner/" + name
        try #require(mkfifo(path, 0o600) == 0)
        return path
    }
}

extension JSONValue {
    /// Without members that are different every time.
    func without(_ names: String...) -> JSONValue {
        guard var object else { return self }
        for name in names { object[name] = nil }
        return .object(object)
    }
}
