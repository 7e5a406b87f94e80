import Graph

extension Message {
  /// The text for C: settings are fields of the header's structs if there are such fields, and nodes are listed by a
  /// function.
  var asFields: String {
    rendered { reference in
      switch reference {
      case .setting(let setting), .form(let setting, _): setting.field
      case .value(.score, _): Setting.score.field
      case .value(let setting, let value): "\(setting.field) '\(value)'"
      case .listing(.nodes), .listing(.allNodes): "gradcam_get_node"
      case .listing(.models): Listing.models.rawValue
      }
    }
  }
}

extension Setting {
  /// The name of the field, else the plain name.
  fileprivate var field: String {
    switch self {
    case .baseline: "baselines"
    case .boxesOf: "boxes_of"
    case .class: "class_name"
    case .masks: "mask_count"
    case .outputName: "output"
    case .score: "of_probability"
    case .signed: "is_signed"
    case .size: "width and height"
    case .steps: "step_count"
    default: rawValue
    }
  }
}
