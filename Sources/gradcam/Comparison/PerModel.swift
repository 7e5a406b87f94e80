import GradCAM
import Graph

/// What an option says of several models: `VALUE` for all, `MODEL=VALUE` for one.
struct PerModel {
  private var common: String?
  private var own: [Int: String] = [:]

  /// - Parameter models: the models as the user named them.
  ///
  /// Throws `usage` where a value is given twice.
  init(_ values: [String], option: String, models: [Model]) throws {
    for value in values {
      let index = models.firstIndex { model in
        [model.path, model.name, model.name + ".onnx"].contains { value.hasPrefix($0 + "=") }
      }
      guard let index else {
        guard common == nil else { throw Self.twice(option, value) }
        common = value
        continue
      }
      guard own[index] == nil else { throw Self.twice(option, value) }
      let start = [models[index].path, models[index].name, models[index].name + ".onnx"].first {
        value.hasPrefix($0 + "=")
      }!
      own[index] = String(value.dropFirst(start.count + 1))
    }
  }

  private static func twice(_ option: String, _ value: String) -> GradCAMError {
    GradCAMError(
      .usage, at: "\(option) \(value)", problem: "is given twice",
      advice: "give one for all models, or MODEL=VALUE for each")
  }

  /// What is said of a model; nil where nothing is.
  subscript(_ model: Int) -> String? { own[model] ?? common }
}
