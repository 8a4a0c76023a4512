public import MeerkatJSON

/// Names a background job.
public struct ShellJobArguments: JSONReadable, Sendable {
    public var jobID: String

    public init(from reader: inout JSONReader) throws(JSONError) {
        var jobID: String?
        try reader.readObject { (reader, key) throws(JSONError) in
            if case "job_id" = key { jobID = try reader.readString() }
        }
        self.jobID = try reader.require(jobID, "job_id")
    }
}
