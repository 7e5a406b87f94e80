// Re-exports the C library and CPlatform, on every platform, to every module that imports this one.
@_exported import CPlatform

#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Musl)
  @_exported import Musl
#else
  @_exported import Darwin
#endif
