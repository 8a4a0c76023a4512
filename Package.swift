// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "meerkat",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "rkat", targets: ["rkat"]),
        .library(name: "Meerkat", targets: ["Meerkat"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CPlatform"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CSupervisor"),
        .target(
            name: "Meerkat",
            dependencies: [
                "MeerkatCore", "MeerkatEngine", "MeerkatIO", "MeerkatJSON", "MeerkatProviders", "MeerkatStorage",
                "MeerkatTools",
            ],
            swiftSettings: settings),
        .target(name: "MeerkatCore", dependencies: ["MeerkatJSON"], swiftSettings: settings),
        .target(
            name: "MeerkatEngine", dependencies: ["MeerkatCore", "MeerkatJSON", "MeerkatJSONSchema"],
            swiftSettings: settings),
        .target(
            name: "MeerkatIO",
            dependencies: [
                "CPlatform", "CSupervisor", "MeerkatJSON",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),
        .target(name: "MeerkatJSON", swiftSettings: settings),
        .target(name: "MeerkatJSONSchema", dependencies: ["MeerkatJSON"], swiftSettings: settings),
        .target(name: "MeerkatProtocol", dependencies: ["MeerkatCore", "MeerkatJSON"], swiftSettings: settings),
        .target(
            name: "MeerkatProviders", dependencies: ["MeerkatCore", "MeerkatIO", "MeerkatJSON"],
            swiftSettings: settings),
        .target(
            name: "MeerkatServer", dependencies: ["MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatProtocol"],
            swiftSettings: settings),
        .target(
            name: "MeerkatStorage", dependencies: ["CSQLite", "MeerkatCore", "MeerkatIO", "MeerkatJSON"],
            swiftSettings: settings),
        .target(
            name: "MeerkatTesting",
            dependencies: ["Meerkat", "MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatServer", "MeerkatStorage"],
            swiftSettings: settings),
        .target(
            name: "MeerkatTools", dependencies: ["MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatJSONSchema"],
            swiftSettings: settings),
        // What scripts/chaos kills; no part of what is shipped.
        .executableTarget(
            name: "chaos-victim",
            dependencies: ["Meerkat", "MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatServer"],
            swiftSettings: settings),
        .executableTarget(
            name: "rkat",
            dependencies: [
                "Meerkat", "MeerkatIO", "MeerkatJSON", "MeerkatProtocol", "MeerkatServer", "MeerkatStorage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(name: "MeerkatCoreTests", dependencies: ["MeerkatCore", "MeerkatJSON"], swiftSettings: settings),
        .testTarget(
            name: "MeerkatEngineTests",
            dependencies: [
                "MeerkatCore", "MeerkatEngine", "MeerkatJSON", "MeerkatProviders", "MeerkatStorage", "MeerkatTesting",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MeerkatIOTests", dependencies: ["MeerkatIO", "MeerkatJSON", "MeerkatTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "MeerkatJSONSchemaTests", dependencies: ["MeerkatJSON", "MeerkatJSONSchema"],
            swiftSettings: settings),
        .testTarget(name: "MeerkatJSONTests", dependencies: ["MeerkatJSON"], swiftSettings: settings),
        .testTarget(
            name: "MeerkatProtocolTests", dependencies: ["MeerkatCore", "MeerkatJSON", "MeerkatProtocol"],
            swiftSettings: settings),
        .testTarget(
            name: "MeerkatProvidersTests",
            dependencies: ["MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatProviders"], swiftSettings: settings),
        .testTarget(
            name: "MeerkatServerTests",
            dependencies: [
                "Meerkat", "MeerkatCore", "MeerkatEngine", "MeerkatIO", "MeerkatJSON", "MeerkatProtocol",
                "MeerkatProviders", "MeerkatServer", "MeerkatTesting",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MeerkatStorageTests",
            dependencies: ["CSQLite", "MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatStorage"],
            exclude: ["Sessions/Fixtures"], swiftSettings: settings),
        .testTarget(
            name: "MeerkatToolsTests",
            dependencies: [
                "MeerkatCore", "MeerkatIO", "MeerkatJSON", "MeerkatJSONSchema", "MeerkatTesting", "MeerkatTools",
            ],
            exclude: ["Fixtures"], swiftSettings: settings),
    ]
)
