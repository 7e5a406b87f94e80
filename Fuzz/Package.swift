// swift-tools-version: 6.2
import PackageDescription

// What SwiftPM calls the package above: declarations with access 'package' are visible under this name.
let above = Context.packageDirectory.split(separator: "/").dropLast().last ?? ""
let packageName = String(above.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })

// The fuzzers of ../docs/security.md, in one program that 'make fuzz' builds with libFuzzer and AddressSanitizer.
let package = Package(
  name: "gradcam-fuzz",
  dependencies: [
    .package(name: "gradcam", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .target(name: "ModelMutator", dependencies: [.product(name: "GradCAM", package: "gradcam")]),
    // The command line as a library, under another entry point: libFuzzer has its own.
    .target(
      name: "Command",
      dependencies: [
        .product(name: "GradCAM", package: "gradcam"), .product(name: "Serving", package: "gradcam"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Page", "Serve/openapi.json"],
      resources: [.embedInCode("HTMLReport/report.css"), .embedInCode("HTMLReport/report.js")],
      packageAccess: false,
      swiftSettings: [
        .unsafeFlags([
          "-package-name", packageName, "-Xfrontend", "-entry-point-function-name", "-Xfrontend", "gradcam_main",
        ])
      ]),
    .executableTarget(
      name: "Fuzzers",
      dependencies: ["Command", "ModelMutator", .product(name: "GradCAM", package: "gradcam")],
      packageAccess: false,
      swiftSettings: [.unsafeFlags(["-package-name", packageName, "-parse-as-library"])]),
  ]
)
