import FoundationEssentials
import MeerkatIO
import Testing

@Suite struct AtomicFileTests {
    @Test func filesAreReplacedAsAWhole() throws {
        try withFolder { folder in
            let path = folder + "/f"
            #expect(try AtomicFile.contents(of: path, limit: 10) == nil)
            try AtomicFile.replace(path, with: [1, 2, 3])
            #expect(try AtomicFile.contents(of: path, limit: 10) == [1, 2, 3])
            try AtomicFile.replace(path, with: [])
            #expect(try AtomicFile.contents(of: path, limit: 10) == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["f"])
        }
    }

    @Test func newFilesArePrivateAndOthersKeepTheirMode() throws {
        try withFolder { folder in
            let path = folder + "/f"
            try AtomicFile.replace(path, with: [1])
            #expect(try mode(of: path) == 0o600)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            try AtomicFile.replace(path, with: [2])
            #expect(try mode(of: path) == 0o644)
            try AtomicFile.replace(folder + "/ordinary", with: [3], mode: 0o644)
            #expect(try mode(of: folder + "/ordinary") == 0o644)
        }
    }

    @Test func whatIsNoReasonableFileIsRefused() throws {
        try withFolder { folder in
            #expect(throws: SystemError.self) { try AtomicFile.contents(of: folder, limit: 10) }
            try AtomicFile.replace(folder + "/f", with: [1, 2, 3])
            #expect(throws: SystemError.self) { try AtomicFile.contents(of: folder + "/f", limit: 2) }
            #expect(throws: SystemError.self) { try AtomicFile.replace(folder + "/none/f", with: []) }
        }
    }

    @Test func linksAreReplacedNotFollowed() throws {
        try withFolder { folder in
            try AtomicFile.replace(folder + "/target", with: [1])
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/link", withDestinationPath: folder + "/target")
            try AtomicFile.replace(folder + "/link", with: [2])
            #expect(try AtomicFile.contents(of: folder + "/target", limit: 10) == [1])
            #expect(try AtomicFile.contents(of: folder + "/link", limit: 10) == [2])
        }
    }

    @Test func stampsTellChanges() throws {
        try withFolder { folder in
            let path = folder + "/f"
            #expect(FileStamp(of: path) == nil)
            try AtomicFile.replace(path, with: [1])
            let first = try #require(FileStamp(of: path))
            #expect(FileStamp(of: path) == first)
            #expect(!first.isSettled)
            try AtomicFile.replace(path, with: [2])
            #expect(FileStamp(of: path) != first)
        }
    }

    private func mode(of path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/meerkat-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }  // a folder left behind fails no test
        try body(path)
    }
}

@Suite struct SHA256Tests {
    /// Examples of NIST, and lengths around the size of a block.
    @Test(arguments: [
        ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
        ("a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
        ("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    ])
    func hashes(text: String, times: Int, hash: String) {
        #expect(SHA256.hex(Array(String(repeating: text, count: times).utf8)) == hash)
    }
}
