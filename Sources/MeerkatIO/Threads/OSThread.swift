#if canImport(Glibc)
    internal import CPlatform
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A thread of the operating system, for work that blocks.
public enum OSThread {
    /// Starts a detached thread that runs `body` once.
    ///
    /// - Parameters:
    ///   - name: The thread's name for debuggers, which show at most 15 characters of it.
    ///   - stackSize: The size of its stack, in bytes.
    ///   - body: What the thread does.
    /// - Throws: ``SystemError`` when the system refuses another thread, as it does at a limit on processes.
    public static func start(
        _ name: StaticString, stackSize: Int = 4 * 1024 * 1024, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let box = Unmanaged.passRetained(Body(name, body))
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(attributes, stackSize)
        #if canImport(Darwin)
            var thread: pthread_t?
            let run: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { pointer in
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }
        #else
            var thread: pthread_t = 0
            let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { pointer in
                if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
                return nil
            }
        #endif
        let status = pthread_create(&thread, attributes, run, box.toOpaque())
        pthread_attr_destroy(attributes)
        guard status == 0 else {
            box.release()
            throw SystemError(code: status, path: "cannot start the thread \"\(name)\"")
        }
    }

    /// Runs `body` once on a thread of its own, or on the calling thread when the system refuses another.
    public static func startOrRun(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
        do throws(SystemError) { try start(name, body) } catch { body() }
    }

    private final class Body: Sendable {
        private let name: StaticString
        private let body: @Sendable () -> Void

        init(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            let text = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
            #if canImport(Darwin)
                pthread_setname_np(text)
            #else
                platform_name_thread(text)
            #endif
            body()
        }
    }
}
