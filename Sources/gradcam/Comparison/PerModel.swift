import GradCAM
import Graph

/// An option's values for several models: `VALUE` for all, `MODEL=VALUE` for one.
struct PerModel {
  private var common: String?
  private var own: [Int: String] = [:]

  /// - Parameter models: the models as the user named them.
  ///
  /// Throws `usage` if a value is given twice.
  init(_ values: [String], option: String, models: [Model]) throws {
    let prefixes = models.map { model in [model.path, model.name, model.name + ".onnx"].map { $0 + "=" } }
    for value in values {
      let found = prefixes.enumerated().lazy.compactMap { index, prefixes in
        prefixes.first(where: value.hasPrefix).map { (index: index, prefix: $0) }
      }.first
      guard found.map({ own[$0.index] == nil }) ?? (common == nil) else {
        throw GradCAMError(
          .usage, at: "\(option) \(value)", problem: "is given twice",
          advice: "give one for all models, or MODEL=VALUE for each")
      }
      if let found { own[found.index] = String(value.dropFirst(found.prefix.count)) } else { common = value }
    }
  }

  /// The value for a model; nil if there is none.
  subscript(_ model: Int) -> String? { own[model] ?? common }
}
