public import MeerkatJSON

/// What a session may be able to do; always listed in this order.
public enum CapabilityID: String, Sendable, Hashable, CaseIterable {
    case sessions
    case streaming
    case structuredOutput = "structured_output"
    case hooks
    case builtins
    case shell
    case comms
    case subAgents = "sub_agents"
    case memoryStore = "memory_store"
    case sessionStore = "session_store"
    case sessionCompaction = "session_compaction"
    case skills

    public var summary: String {
        switch self {
        case .sessions: "Sessions and the agent loop"
        case .streaming: "Events while a run is going on"
        case .structuredOutput: "Results that conform to a JSON Schema"
        case .hooks: "Programs that observe and change a run"
        case .builtins: "Built-in tools; can be enabled for each session"
        case .shell: "The shell tool and its jobs; can be enabled for each session"
        case .comms: "Messages between agents"
        case .subAgents: "Agents started by agents"
        case .memoryStore: "Semantic memory"
        case .sessionStore: "Sessions that survive the process"
        case .sessionCompaction: "Summaries that keep long conversations going"
        case .skills: "Skills that are loaded when they are needed"
        }
    }
}

/// Whether a session can use a capability in this build.
public enum CapabilityStatus: Sendable, Hashable {
    case available
    case disabledByPolicy(String)
    /// Not written yet or left out of this build.
    case notCompiled
}

/// The answer to `capabilities/get`, also printed by `rkat capabilities`.
public struct Capabilities: Sendable, Hashable, JSONWritable {
    /// What works in this build; everything else is reported as not compiled.
    public static let available: Set<CapabilityID> = [
        .sessions, .streaming, .structuredOutput, .builtins, .shell, .sessionStore, .sessionCompaction,
    ]

    /// Of the shell; nil when nobody has asked the system.
    public var sandbox: SandboxStatus?

    public init(sandbox: SandboxStatus? = nil) {
        self.sandbox = sandbox
    }

    public func status(of id: CapabilityID) -> CapabilityStatus {
        Self.available.contains(id) ? .available : .notCompiled
    }

    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("contract_version") { writer in
                writer.writeObject { writer in
                    writer.member("major", ContractVersion.major)
                    writer.member("minor", ContractVersion.minor)
                    writer.member("patch", ContractVersion.patch)
                }
            }
            writer.member("capabilities") { writer in
                writer.writeArray { writer in
                    for id in CapabilityID.allCases {
                        writer.element { writer in
                            writer.writeObject { writer in
                                writer.member("id", id.rawValue)
                                writer.member("description", id.summary)
                                writer.member("status") { writer in write(status(of: id), id, to: &writer) }
                                if id == .shell { writer.member("sandbox", sandbox) }
                            }
                        }
                    }
                }
            }
        }
    }

    private func write(_ status: CapabilityStatus, _ id: CapabilityID, to writer: inout JSONWriter) {
        switch status {
        case .available: writer.writeString("Available")
        case .disabledByPolicy(let description):
            writer.writeObject { writer in
                writer.member("DisabledByPolicy") { $0.writeObject { $0.member("description", description) } }
            }
        case .notCompiled:
            writer.writeObject { writer in
                writer.member("NotCompiled") { $0.writeObject { $0.member("feature", id.rawValue) } }
            }
        }
    }
}
