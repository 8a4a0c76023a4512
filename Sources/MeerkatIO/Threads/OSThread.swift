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
    /// Starts a detached thread that runs `body` once; debuggers show `name`, at most 15 characters of it.
    public static func start(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(name, body))
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(attributes, 4 * 1024 * 1024)
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
        precondition(status == 0, "the system refuses a new thread (\(status))")
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
