import Graph

extension Message {
  /// The text for the command line: settings are options, listings are commands.
  var asOptions: String {
    rendered { reference in
      switch reference {
      case .setting(let setting): "--\(setting.rawValue)"
      case .value(let setting, let value), .form(let setting, let value): "--\(setting.rawValue) \(value)"
      case .listing(.nodes): "'gradcam nodes'"
      case .listing(.allNodes): "'gradcam nodes --all'"
      case .listing(.models): "'gradcam models'"
      }
    }
  }
}
