import Foundation

/// JSON Schema, as far as openapi.json uses it.
struct Schema {
  /// The whole document, in which references are looked up.
  let root: [String: Any]
  let rules: [String: Any]

  /// What is wrong with a value; nil if it is as the schema says.
  func fault(of value: Any, at place: String = "$") -> String? {
    if let reference = rules["$ref"] as? String {
      let target = reference.split(separator: "/").dropFirst().reduce(root as Any) { object, key in
        (object as? [String: Any])?[String(key)] ?? [:]
      }
      return Schema(root: root, rules: target as? [String: Any] ?? ["enum": []]).fault(of: value, at: place)
    }
    func schemas(_ key: String) -> [Schema]? {
      (rules[key] as? [[String: Any]])?.map { Schema(root: root, rules: $0) }
    }
    if let choices = schemas("anyOf"), choices.allSatisfy({ $0.fault(of: value) != nil }) {
      return "\(place): fits none of the choices, such as: \(choices[0].fault(of: value, at: place)!)"
    }
    if let choices = schemas("oneOf"), choices.count(where: { $0.fault(of: value) == nil }) != 1 {
      return "\(place): does not fit one of the choices"
    }
    if let all = rules["enum"] as? [String], !all.contains(value as? String ?? "") {
      return "\(place): is \(value), not one of \(all)"
    }
    let types = (rules["type"] as? [String]) ?? (rules["type"] as? String).map { [$0] }
    if let types, !types.contains(where: { isOf(type: $0, value) }) { return "\(place): \(value) is not \(types)" }
    if let pattern = rules["pattern"] as? String, let text = value as? String,
      text.range(of: pattern, options: .regularExpression) == nil
    {
      return "\(place): '\(text)' does not match \(pattern)"
    }
    if let items = rules["items"] as? [String: Any], let list = value as? [Any] {
      let schema = Schema(root: root, rules: items)
      for (index, item) in list.enumerated() {
        if let fault = schema.fault(of: item, at: "\(place)[\(index)]") { return fault }
      }
      if let least = rules["minItems"] as? Int, list.count < least { return "\(place): has too few items" }
      if let most = rules["maxItems"] as? Int, list.count > most { return "\(place): has too many items" }
    }
    guard let object = value as? [String: Any] else { return nil }
    if let missing = (rules["required"] as? [String])?.first(where: { object[$0] == nil }) {
      return "\(place): lacks \(missing)"
    }
    let known = rules["properties"] as? [String: [String: Any]]
    for (key, value) in object {
      if let rules = known?[key] ?? rules["additionalProperties"] as? [String: Any] {
        if let fault = Schema(root: root, rules: rules).fault(of: value, at: "\(place).\(key)") { return fault }
      } else if known != nil {
        // What is not described is a fault of the description.
        return "\(place): \(key) is not described"
      }
    }
    return nil
  }

  private func isOf(type: String, _ value: Any) -> Bool {
    switch type {
    case "null": value is NSNull
    case "boolean": isBoolean(value)
    case "integer": !isBoolean(value) && (value as? Double).map { $0.rounded() == $0 } == true
    case "number": !isBoolean(value) && value is Double
    case "string": value is String
    case "array": value is [Any]
    case "object": value is [String: Any]
    default: false
    }
  }

  /// `JSONSerialization` gives numbers and truth values as objects of one class.
  private func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? (value is Bool)
  }
}
