#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Suspends the calling thread.
func pause(_ seconds: Double) {
  usleep(UInt32(seconds * 1e6))
}
