import CKernels
import COpenBLAS
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What decides the last bits of results besides the program: the processor, and the code that was chosen for it.
public enum Processor {
  /// The processor's name; empty if the system does not tell it.
  public static var name: String {
    let text = FileManager.default.contents(atPath: "/proc/cpuinfo").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0.isWhitespace }) } ?? ""
  }

  /// The level of instructions that kernels use, such as `x86-64-v3`.
  public static var instructions: String { String(cString: product_level_name()) }

  /// The version of OpenBLAS and the processor that it takes this one for, such as `OpenBLAS 0.3.21 Haswell`.
  public static var blas: String {
    let version = String(cString: openblas_get_config()).split(separator: " ").prefix(2).joined(separator: " ")
    return "\(version) \(String(cString: openblas_get_corename()))"
  }
}
