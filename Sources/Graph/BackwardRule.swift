/// What a backward pass computes at every node, from what arrives at its results to what its inputs get.
public enum BackwardRule: Sendable, Hashable {
  /// The vector-Jacobian product.
  case gradient
  /// The vector-Jacobian product, guided: every rectifier passes only positive gradients, g·[x > 0]·[g > 0].
  ///
  /// Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2015.
  case guided
  /// Relevance: what the elements of a value contribute to the target.
  case relevance(RelevanceRules)
  /// Multipliers: what a change of each element of a value from its contents for another input, the first of
  /// `PlanRequest.references`, contributes to the target's change, in DeepLIFT's rescale rule.
  ///
  /// Shrikumar et al., Learning Important Features Through Propagating Activation Differences, 2017.
  case rescaled

  /// How many other inputs of the network it compares the picture with.
  public var referenceCount: Int {
    switch self {
    case .gradient, .guided: 0
    case .relevance(let rules): rules.first == .box ? 2 : 0
    case .rescaled: 1
    }
  }

  /// Whether it is about what the network's functions are, so that fusions for speed would hide them.
  var sharesOut: Bool {
    switch self {
    case .gradient, .guided: false
    case .relevance, .rescaled: true
    }
  }
}

/// The rules of layer-wise relevance propagation: those of convolutions are chosen, all others follow from what an
/// operator says of itself (`Dependence`).
///
/// Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation, 2015.
public struct RelevanceRules: Sendable, Hashable {
  /// The rule of convolutions.
  public var convolution: ConvolutionRule
  /// The rule of convolutions that no other one precedes; nil for the same.
  public var first: ConvolutionRule?

  /// Chooses rules.
  public init(convolution: ConvolutionRule, first: ConvolutionRule? = nil) {
    (self.convolution, self.first) = (convolution, first)
  }

  /// What is added to a denominator, with its sign.
  static let epsilon: Float = 1e-6
}

/// How a convolution shares out relevance, x being its input, w its weights, z = Σ wx + b and + and − the positive and
/// the negative part.
public enum ConvolutionRule: Sendable, Hashable {
  /// By wx.
  case epsilon
  /// `alpha` times by x⁺w⁺ + x⁻w⁻, minus `beta` times by x⁺w⁻ + x⁻w⁺.
  case alphaBeta(Float, Float)
  /// By wx with w⁺ ⁄ w⁻ enlarged by a factor of 1 + γ: those weights that give z its sign.
  case gamma(Float)
  /// By wx − w⁺l − w⁻h, where l and h are what the network makes of the least and the greatest input: the first and the
  /// second of `PlanRequest.references`.
  case box

  /// The products between whose results relevance is shared out.
  var shares: [ConvolutionShare] {
    /// The share of what speaks for one sign of the result, or against it.
    func signed(
      _ factor: Float, _ sign: FloatingPointSign, enlarged: WeightPart, where condition: FloatingPointSign? = nil
    ) -> ConvolutionShare {
      let mirrored = WeightPart(positive: enlarged.negative, negative: enlarged.positive)
      return ConvolutionShare(
        factor: factor, condition: condition,
        terms: [
          ConvolutionTerm(input: .positive, weights: sign == .plus ? enlarged : mirrored, hasBias: true),
          ConvolutionTerm(input: .negative, weights: sign == .plus ? mirrored : enlarged, hasBias: false),
        ])
    }
    switch self {
    case .epsilon:
      return [ConvolutionShare(factor: 1, terms: [ConvolutionTerm(input: .whole, weights: .whole, hasBias: true)])]
    case .alphaBeta(let alpha, let beta):
      let part = WeightPart(positive: 1, negative: 0)
      return [signed(alpha, .plus, enlarged: part)] + (beta == 0 ? [] : [signed(-beta, .minus, enlarged: part)])
    case .gamma(let gamma):
      let part = WeightPart(positive: 1 + gamma, negative: 1)
      return [
        signed(1, .plus, enlarged: part, where: .plus), signed(1, .minus, enlarged: part, where: .minus),
      ]
    case .box:
      return [
        ConvolutionShare(
          factor: 1,
          terms: [
            ConvolutionTerm(input: .whole, weights: .whole, hasBias: true),
            ConvolutionTerm(
              input: .reference(0), weights: WeightPart(positive: 1, negative: 0), hasBias: true, isSubtracted: true),
            ConvolutionTerm(
              input: .reference(1), weights: WeightPart(positive: 0, negative: 1), hasBias: true, isSubtracted: true),
          ])
      ]
    }
  }
}

/// A part of a convolution's relevance, shared out by the products that its terms sum up.
struct ConvolutionShare {
  /// How much of the relevance it is.
  let factor: Float
  /// The sign of the results of which alone it is a share; nil for all.
  var condition: FloatingPointSign?
  let terms: [ConvolutionTerm]
}

/// The products of some part of a convolution's input with some part of its weights.
struct ConvolutionTerm {
  enum Input: Hashable {
    case whole, positive, negative
    /// The input that the network makes of another one.
    case reference(Int)
  }

  var input: Input
  let weights: WeightPart
  /// Whether the same part of the bias is added.
  let hasBias: Bool
  var isSubtracted = false
}

/// The factors of weights above and below 0.
struct WeightPart: Hashable {
  let positive, negative: Float

  static let whole = WeightPart(positive: 1, negative: 1)

  /// The part of a tensor.
  func applied(to tensor: Tensor, _ store: PreparedWeights) -> Tensor {
    guard self != .whole else { return tensor }
    return store.form("× \(positive) above 0, × \(negative) below", of: [tensor]) {
      Tensor(
        tensor.floats.map { $0 * ($0 > 0 ? positive : negative) }, shape: tensor.shape,
        floatingType: tensor.elementType)
    }
  }
}
