internal import MeerkatCore
internal import MeerkatJSON

/// What the model does for one prompt, decided by a number alone.
struct Plan {
    let seed: Int
    /// What the commands of shell calls can be told by.
    let marker: String

    /// How often tools are asked for before the final answer.
    var stepCount: Int {
        var random = random(0)
        return Int(random.next() % 5)
    }

    /// The pieces in which an answer is streamed.
    func deltas(at step: Int) -> [String] {
        var random = random(2 * step + 1)
        return (0..<Int(random.next() % 12)).map { "word \(seed).\(step).\($0) " }
    }

    /// The calls of a step, each with an id of its own.
    func calls(at step: Int, offering tools: Set<String>) -> [ToolUse] {
        var random = random(2 * step + 2)
        return (0..<Int(1 + random.next() % 4)).map { index in
            let id = "call_\(seed)_\(step)_\(index)"
            let (name, arguments) = call(id, at: step, offering: tools, &random)
            return ToolUse(id: id, name: name, arguments: RawJSON(encoding: arguments))
        }
    }

    private func call(
        _ id: String, at step: Int, offering tools: Set<String>, _ random: inout SplitMix
    ) -> (name: String, arguments: JSONObject) {
        if tools.contains("shell"), random.next() % 5 == 0 {
            let isBackground = random.next() % 3 == 0
            let seconds = isBackground ? ["0.02", "0.02", "0.5", "100"][Int(random.next() % 4)] : "0.02"
            return ("shell", ["command": .string(command(seconds)), "background": .bool(isBackground)])
        }
        switch random.next() % 16 {
        case 0: return ("datetime", JSONObject())
        case 1 where tools.contains("write_file"):
            return ("write_file", ["path": .string("notes/\(id).txt"), "content": .string(id)])
        case 2: return ("no_such_tool", ["key": .string(id)])
        case 3: return ("chaos_once", ["key": 1])
        case let choice:
            let names = ["chaos_pure", "chaos_idempotent", "chaos_once"]
            let milliseconds = random.next() % 3 == 0 ? 0 : 1 + random.next() % 30
            return (
                names[Int(choice) % names.count],
                ["key": .string("\(seed).\(step)"), "duration_ms": .integer(milliseconds)]
            )
        }
    }

    /// Takes some seconds and leaves children behind that have daemonised themselves in two ways.
    private func command(_ seconds: String) -> String {
        """
        export RKAT_CHAOS='\(marker)'; setsid sleep 300 </dev/null >/dev/null 2>&1 & \
        (setsid sh -c 'sleep 300 & exec sleep 300' </dev/null >/dev/null 2>&1 &); sleep \(seconds); echo done
        """
    }

    private func random(_ number: Int) -> SplitMix {
        SplitMix(state: UInt64(truncatingIfNeeded: seed) &* 1000 &+ UInt64(truncatingIfNeeded: number))
    }
}

/// A generator that gives the same numbers again for the same start.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
