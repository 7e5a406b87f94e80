// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "gradcam",
  products: [
    .executable(name: "gradcam", targets: ["GradCAMCommand"]),
    .library(name: "GradCAM", targets: ["GradCAM", "Graph"]),
    // What the program serves the page with, for its fuzzers.
    .library(name: "Serving", targets: ["HTTPServer", "CPage"]),
    // What 'make library' makes libgradcam.so of; a package cannot have two products called gradcam.
    .library(name: "GradCAMShared", type: .dynamic, targets: ["CInterface"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CPlatform"),
    .systemLibrary(name: "CGradCAM"),
    .target(name: "CPNG", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("isal")]),
    .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    // These load their libraries when a file needs them.
    .target(name: "CWebP"),
    .target(name: "CTIFF"),
    .target(name: "CGzip", linkerSettings: [.linkedLibrary("z")]),
    .target(name: "CDigest"),
    .target(name: "CPage"),
    .target(name: "COnnx", dependencies: ["CProtobufC"], exclude: ["onnx.proto"]),
    .target(name: "CGradCAMPlugin"),
    .target(name: "CProtection"),
    .target(name: "CAllocation", dependencies: ["CProtection"]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),

    .target(name: "GraphLayout"),
    .target(name: "Graph", dependencies: ["CPlatform"]),
    .target(name: "Ops", dependencies: ["Graph", "CKernels", "COpenBLAS"]),
    .target(name: "ONNXLoader", dependencies: ["Graph", "COnnx", "CProtection"]),
    .target(
      name: "GradCAM",
      dependencies: [
        "Graph", "GraphLayout", "Ops", "ONNXLoader", "CDigest", "CGradCAMPlugin", "CKernels", "CPNG", "CJPEG", "CWebP",
        "CTIFF", "CGzip",
      ],
      resources: [.embedInCode("Data/imagenet_labels.txt"), .embedInCode("Data/fixed-10x20.hex")]),
    .target(
      name: "HTTPServer",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .target(name: "CInterface", dependencies: ["CGradCAM", "GradCAM", "Graph"]),
    .executableTarget(
      name: "GradCAMCommand",
      dependencies: [
        "CAllocation", "CPage", "CProtection", "CPlatform", "GradCAM", "GraphLayout", "HTTPServer", "Ops",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/gradcam",
      exclude: ["Page", "Serve/openapi.json"],
      resources: [.embedInCode("HTMLReport/report.css"), .embedInCode("HTMLReport/report.js")],
      // Options in, texts out: nothing here takes long, and the program stays small.
      swiftSettings: [.unsafeFlags(["-Osize"], .when(configuration: .release))]),

    .target(name: "TestSupport", dependencies: ["Graph"], path: "Tests/Support"),
    .testTarget(name: "GraphLayoutTests", dependencies: ["GraphLayout"]),
    .testTarget(name: "GraphTests", dependencies: ["Graph", "Ops", "TestSupport"]),
    .testTarget(name: "OpsTests", dependencies: ["Graph", "Ops", "CKernels", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(
      name: "ONNXLoaderTests", dependencies: ["ONNXLoader", "COnnx", "Graph", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer"]),
    .testTarget(
      name: "GradCAMTests", dependencies: ["CDigest", "CGzip", "GradCAM", "GraphLayout", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "CInterfaceTests", dependencies: ["CInterface", "CGradCAM", "GradCAM", "Graph", "TestSupport"]),
    .testTarget(
      name: "CommandTests", dependencies: ["CProtection", "GradCAMCommand", "GradCAM", "TestSupport"],
      exclude: ["Fixtures"]),
  ]
)
