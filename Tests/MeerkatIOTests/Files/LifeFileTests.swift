import FoundationEssentials
import MeerkatIO
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite struct LifeFiles {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "life-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what is left does no harm
        try body(folder)
    }

    @Test func aLifeIsSeenUntilItsEnd() throws {
        try Self.withFolder { folder in
            let path = folder + "/1.lock"
            #expect(LifeFile.holder(of: path) == .missing)
            let life = try LifeFile(creating: path)
            #expect(LifeFile.holder(of: path) == .process)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["1.lock"])
            #expect(life.isInPlace)
            life.release()
            #expect(LifeFile.holder(of: path) == .missing)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
    }

    @Test func anotherObserverIsNotTakenForTheHolder() throws {
        try Self.withFolder { folder in
            let path = folder + "/1.lock"
            try Data().write(to: URL(filePath: path))
            let observer = open(path, O_RDONLY)
            defer { close(observer) }
            #expect(flock(observer, LOCK_SH | LOCK_NB) == 0)
            #expect(LifeFile.holder(of: path) == .nobody)
        }
    }

    @Test func whatCannotBeExaminedIsUnknown() throws {
        try Self.withFolder { folder in
            let link = folder + "/1.lock"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder + "/nothing")
            #expect(LifeFile.holder(of: link) == .unknown(SystemError(code: ELOOP, path: link)))
            let below = link + "/2.lock"
            guard case .unknown = LifeFile.holder(of: folder + "/" + String(repeating: "x", count: 300)) else {
                Issue.record("a name that is too long is not examined")
                return
            }
            #expect(LifeFile.holder(of: below) == .missing, "what a broken link would lead to does not exist")
        }
    }

    @Test func onlyAbandonedFilesAreRemoved() throws {
        try Self.withFolder { folder in
            let life = try LifeFile(creating: folder + "/1.lock")
            for name in ["2.lock", "3.lock.1.new", "other"] { try Data().write(to: URL(filePath: folder + "/" + name)) }
            LifeFile.removeAbandoned(in: folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["1.lock", "other"])
            life.release()
        }
    }

    @Test func aGuardedFileIsOpenedByNobodyElse() throws {
        try Self.withFolder { folder in
            let path = folder + "/guarded"
            try Data("secret".utf8).write(to: URL(filePath: path))
            try FileManager.default.linkItem(atPath: path, toPath: folder + "/other-name")
            let file = try #require(try FileIdentity(of: path))
            do {
                let held = GuardedFiles.add(file)
                for name in ["guarded", "other-name"] {
                    #expect(throws: SystemError.self) { try OpenDirectory(folder).file(name) }
                    #expect(throws: SystemError.self) { try AtomicFile.contents(of: folder + "/" + name, limit: 10) }
                    #expect(Files.read(folder + "/" + name, limit: 10) == nil)
                }
                withExtendedLifetime(held) {}
            }
            #expect(Files.read(path, limit: 10) == Array("secret".utf8))
        }
    }
}
