import ArgumentParser
import GradCAM

/// What shells complete arguments with.
extension CompletionKind {
  /// A network: names of the models folder, and `.onnx` files.
  static let model = answered { $0.models }
  /// A network or a picture.
  static let modelOrPicture = answered { $0.modelsAndPictures }
  /// The nodes of the networks on the command line at which a map can be taken.
  static let node = answered { $0.nodes }
  /// The labels of the networks on the command line.
  static let label = answered { $0.labels }
  /// The outputs of the networks on the command line.
  static let modelOutput = answered { $0.outputs }

  /// A method that makes one map.
  static let method = list(CAMMethods.all.map(\.name))
  /// A method, or a word that stands for many.
  static let methods = list(CAMMethods.all.map(\.name) + MethodChoice.words)
  /// A metric, or none.
  static let metric = list(Metrics.all.map(\.name) + ["none"])
  /// The place of channels.
  static let axis = list(FeatureMapHint.Axis.allCases.map { "channels=\($0.rawValue)" })

  /// A picture that is read.
  static let picture = file(extensions: pictureExtensions)
  /// A vector or a picture.
  static let embedding = file(extensions: ["npy"] + pictureExtensions)
  /// A NumPy array.
  static let array = file(extensions: ["npy"])
  /// A file of numbers.
  static let numbers = file(extensions: ["npy", "wav", "nii", "nii.gz"])
  /// A picture, or a file of numbers.
  static let image = file(extensions: pictureExtensions + ["npy", "wav", "nii", "nii.gz"])
  /// A plugin.
  static let library = file(extensions: ["so", "dylib"])

  private static let pictureExtensions = Picture.extensions + Picture.extensions.map { $0.uppercased() }

  /// Completes with what the program itself finds when a shell asks.
  private static func answered(_ find: @escaping @Sendable (UnfinishedCommandLine) -> [String]) -> CompletionKind {
    custom { (words: [String], index: Int, prefix: String) -> [String] in
      let shell = CompletionShell.requesting
      return find(UnfinishedCommandLine(words: words, index: index, prefix: prefix)).withoutRepeats
        .filter { !$0.isEmpty && !$0.unicodeScalars.contains { $0.properties.generalCategory == .control } }
        .map { $0.asCandidate(for: shell) }
    }
  }
}

extension String {
  /// The text in the form in which a shell's completion script takes it as a literal: bash expands the words of
  /// `compgen -W`, command substitutions included, and zsh's `_describe` ends a word at a colon.
  fileprivate func asCandidate(for shell: CompletionShell?) -> String {
    switch shell {
    case .bash: return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    case .zsh: return map { #":\"#.contains($0) ? #"\\#($0)"# : "\($0)" }.joined()
    default: return self
    }
  }
}
