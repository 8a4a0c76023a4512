import FoundationEssentials

/// Runs `body` with a new empty folder that is removed afterwards.
func withTemporaryDirectory<T>(_ body: (String) async throws -> T) async throws -> T {
    let path = FileManager.default.temporaryDirectory.path + "/meerkat-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let result: Result<T, any Error>
    do { result = .success(try await body(path)) } catch { result = .failure(error) }
    try? FileManager.default.removeItem(atPath: path)  // a folder left behind fails no test
    return try result.get()
}
