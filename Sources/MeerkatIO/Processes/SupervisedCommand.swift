#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A program and how it is run.
public struct SupervisedCommand: Sendable, Hashable {
    /// An absolute path.
    public var executable: String
    /// Without the name of the program, which is its path.
    public var arguments: [String]
    /// All that the program gets; nothing is inherited.
    public var environment: [String: String]
    /// An absolute path.
    public var workingDirectory: String
    /// What it may do; nil for a command that is not confined.
    public var sandbox: SandboxRules?

    public init(
        executable: String, arguments: [String], environment: [String: String], workingDirectory: String,
        sandbox: SandboxRules? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.sandbox = sandbox
    }

    /// The absolute path of a program: looked up in the directories of `path` unless the name has a slash.
    ///
    /// Relative directories of `path` are passed over.
    public static func find(_ name: String, in path: String) -> String? {
        let candidates =
            name.contains("/")
            ? [name] : path.split(separator: ":").map { $0 == "/" ? "/\(name)" : "\($0)/\(name)" }
        return candidates.first { $0.hasPrefix("/") && isExecutable($0) }
    }

    private static func isExecutable(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// - Throws: ``ProcessError/invalid(_:)``.
    func validate() throws(ProcessError) {
        for path in [executable, workingDirectory] where !path.hasPrefix("/") {
            throw .invalid("\(path) is not absolute")
        }
        for text in [executable, workingDirectory] + arguments where text.utf8.contains(0) {
            throw .invalid("a NUL in \(text.debugDescription)")
        }
        for (name, value) in environment {
            guard name.isEmpty || name.contains("=") || "\(name)\(value)".utf8.contains(0) else { continue }
            throw .invalid("the variable \(name.debugDescription)")
        }
    }
}

/// Texts as C wants them, prepared before a fork because nothing may be allocated after it.
struct CStrings: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        pointers = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { pointers[index] = strdup(text) }
        pointers[texts.count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
