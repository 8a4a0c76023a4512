import FoundationEssentials
import MeerkatIO

/// Runs `body` with a new empty folder, named without links, that is removed afterwards.
func withTemporaryDirectory<T>(_ body: (String) async throws -> T) async throws -> T {
    let path = FileManager.default.temporaryDirectory.path + "/meerkat-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let result: Result<T, any Error>
    do { result = .success(try await body(Directories.resolved(path) ?? path)) } catch { result = .failure(error) }
    try? FileManager.default.removeItem(atPath: path)  // a folder left behind fails no test
    return try result.get()
}
