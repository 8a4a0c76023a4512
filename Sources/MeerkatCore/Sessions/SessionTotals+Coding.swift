public import MeerkatJSON

extension SessionTotals: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("usage", usage)
            writer.member("spending", spending)
            writer.member("message_count", messageCount)
            writer.member("tool_calls", toolCallCount)
            writer.member("last_text", lastText)
            writer.member("context_seq", contextSeq)
            writer.member("open_run", openRun)
            writer.member("processes", processes)
            writer.member("open_call", recorder.open.map { ModelCallRecord(call: $0, usage: nil, cost: $0.bound) })
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        spending = .unknown
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "usage": usage = try reader.read()
            case "spending": spending = try reader.read()
            case "message_count": messageCount = try reader.readCount()
            case "tool_calls": toolCallCount = try reader.readCount()
            case "last_text": lastText = try reader.readOptional()
            case "context_seq": contextSeq = try reader.readCount()
            case "open_run": openRun = try reader.readOptional()
            case "processes": processes = try reader.read()
            case "open_call":
                let record: ModelCallRecord? = try reader.readOptional()
                recorder.open = record?.call
                recorder.open?.bound = record?.cost
            default: break
            }
        }
    }
}

extension OpenRun: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("id", id)
            writer.member("prompt", prompt)
            writer.member("overrides", overrides)
            writer.member("calls", calls)
            writer.member("purpose", purpose.rawValue)
            writer.member("pending_attempt", pendingAttempt)
            writer.member("extractions", extractions)
            writer.member("model_calls", modelCalls)
            writer.member("tool_calls", toolCalls)
            writer.member("text", text)
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        var id: RunID?
        var prompt: [Block] = []
        var overrides = SessionOptions()
        var (calls, extractions, toolCalls) = (0, 0, 0)
        var purpose = ModelCall.Purpose.turn
        var pendingAttempt: Int?
        var text: String?
        var modelCalls: [ModelCallRecord] = []
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "id": id = try reader.read()
            case "prompt": prompt = try reader.read()
            case "overrides": overrides = try reader.read()
            case "calls": calls = try reader.readCount()
            case "purpose": purpose = ModelCall.Purpose(rawValue: try reader.readString()) ?? .turn
            case "pending_attempt": pendingAttempt = try reader.readOptional()
            case "model_calls": modelCalls = try reader.read()
            case "extractions": extractions = try reader.readCount()
            case "tool_calls": toolCalls = try reader.readCount()
            case "text": text = try reader.readOptional()
            default: break
            }
        }
        self.init(id: try reader.require(id, "id"), prompt: prompt, overrides: overrides)
        self.calls = calls
        self.purpose = purpose
        self.pendingAttempt = pendingAttempt
        self.extractions = extractions
        self.toolCalls = toolCalls
        self.text = text
        self.modelCalls = modelCalls
    }
}

extension ToolProcess: JSONCodable {
    public func write(to writer: inout JSONWriter) {
        writer.writeObject { writer in
            writer.member("pid", pid)
            writer.member("start_time", startTime)
            writer.member("boot", boot)
            if let owner { writer.member("owner", owner.description) }
        }
    }

    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(pid: 0, startTime: 0, boot: "")
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "pid": pid = try reader.readInteger()
            case "start_time": startTime = try reader.readInteger()
            case "boot": boot = try reader.readString()
            case "owner": owner = UniqueID(try reader.readString())
            default: break
            }
        }
    }
}
