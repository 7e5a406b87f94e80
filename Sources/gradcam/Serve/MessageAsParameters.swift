import Graph

extension Message {
  /// The text for a client of the server: what requests hold has its name there, all else is an option of the command.
  var asParameters: String {
    rendered { reference in
      switch reference {
      case .setting(let setting): setting.parameter ?? "--\(setting.rawValue)"
      case .value(let setting, let value):
        setting.parameter.map { "\($0) '\(value)'" } ?? "--\(setting.rawValue) \(value)"
      case .form(let setting, let form): "\(setting.parameter ?? "--\(setting.rawValue)") \(form)"
      case .listing(.nodes), .listing(.allNodes): "GET /v1/models/NAME"
      case .listing(.models): "GET /v1/models"
      }
    }
  }
}

extension Setting {
  /// The key in `parameters` that says the same; nil if no request can say it.
  fileprivate var parameter: String? {
    switch self {
    case .class, .columns, .contrast, .detection, .embedding, .iou, .mask, .method, .node, .score: rawValue
    case .boxesOf: "boxesOf"
    case .target: "elements"
    default: nil
    }
  }
}
