internal import MeerkatCore
internal import MeerkatIO

/// Where everything for the person who runs the program leaves; nothing else writes to standard error.
public enum StandardError {
    /// Writes a line if that does not block; else it is dropped.
    ///
    /// What servers, models and requests say may be in it, so it is escaped here, for all who write.
    public static func write(_ line: String) {
        Descriptors.writeIfReady(line.escapedForTerminal + "\n", to: Descriptors.standardError)
    }
}
