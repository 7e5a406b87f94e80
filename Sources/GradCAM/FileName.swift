/// The name of a file without its folders.
package func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
