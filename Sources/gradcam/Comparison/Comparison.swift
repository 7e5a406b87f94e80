import GradCAM

/// Several models side by side: what each saw in every image, their agreement, the quality of their maps, and cost.
struct Comparison: Encodable {
  let method: String
  /// The metrics, in the order of tables.
  let metrics: [MetricColumn]
  /// Whether metrics are of each model's own top class, not of the class that all are asked about.
  let measuresOwnClass: Bool
  /// The models, in the order that the user gave.
  var models: [ComparedModel]
  /// The images, in the order that the user gave.
  let images: [ComparedImage]
  /// How it came about; nil if nobody asks.
  @Nullable var provenance: Provenance? = nil
  /// The files of each model, if `provenance` is known.
  var modelFiles: [[String]] = []

  enum CodingKeys: String, CodingKey {
    case method, metrics, models, images, provenance
    case measuresOwnClass = "measures_own_class"
  }

  /// What each map is of.
  ///
  /// - Parameter output: the file that shows them.
  func results(output: String?) -> [Provenance.Result] {
    images.flatMap { image in
      models.indices.map { index in
        let model = models[index], result = image.results[index]
        return Provenance.Result(
          image: image.image, model: model.path, node: model.node, target: image.label, class: result.class,
          label: result.label, method: method, preprocessing: model.preprocessing, output: output)
      }
    }
  }
}

/// A metric that maps were measured by.
struct MetricColumn: Encodable {
  let name, summary: String
  let higher_is_better: Bool

  init(_ metric: any Metric) {
    name = metric.name
    summary = metric.summary
    higher_is_better = metric.isBetterHigher
  }
}

/// A model that is compared.
struct ComparedModel: Encodable {
  /// A unique name: the file's, or its path if several files share the name.
  let name: String
  let path: String
  /// Where its maps are taken.
  let node: String
  /// The size of its input, such as `224x224`.
  let input: String
  /// What is done to pictures.
  let preprocessing: String
  let classes: Int
  let cost: Cost
  /// The share of the images in which its top class is one that is there; nil if that is not known.
  @Nullable var accuracy: Double?
  /// Each metric's mean over the images for which it is defined; nil if there are none.
  let means: [String: Double?]
  /// The ends of each mean's 95% interval; nil if there is none.
  let intervals: [String: [Double]?]
  /// The means of maps by chance; nil if there are none.
  @Nullable var random: [String: Double?]? = nil
  var warnings: [WarningReport]

  /// The cost of running and explaining it.
  struct Cost: Encodable {
    /// The number of weights.
    let parameters: Int
    /// Floating-point operations of a forward pass, in units of 10⁹.
    let gflop: Double
    /// The median time of a forward pass, and of a whole explanation without reading and writing pictures.
    let forward_ms, explanation_ms: Double
    /// The peak growth of the process's memory while the model ran, in 2²⁰ bytes; nil if the system does not report it.
    @Nullable var peak_mb: Double?
  }
}

/// An image with what every model saw in it.
struct ComparedImage: Encodable {
  let image: String
  let width, height: Int
  /// The class that every model is asked about.
  let label: String
  /// Where that comes from.
  let asked: ClassSource
  /// One for each model, in their order.
  let results: [ComparedResult]
  /// One for each pair of models, in the same order for all images.
  let agreement: [ComparedPair]
  /// A JPEG file of the picture, small enough for a page.
  let photograph: [UInt8]
  /// The boxes of the class's objects, in the picture's pixels; empty if none are known.
  let boxes: [PixelRectangle]

  enum CodingKeys: CodingKey { case image, width, height, label, asked, results, agreement }
}

/// What a model saw in an image.
struct ComparedResult: Encodable {
  let model: String
  /// The class explained, as the model numbers it.
  let `class`: Int
  @Nullable var label: String?
  let logit, probability: Float
  /// The class that the model finds most probable.
  let top: TopClass
  /// By metric; nil if the metric is not defined.
  let metrics: [String: Double?]
  /// The same of the map by chance; nil if there is none.
  @Nullable var random: [String: Double?]? = nil
  let warnings: [WarningReport]
  /// A JPEG file of the coloured map where the model sees the photograph, at the size on the page.
  let heat: [UInt8]
  /// The part of the image that the model sees, in pixels; nil if it sees all of it.
  var seen: PixelRectangle?

  enum CodingKeys: CodingKey { case model, `class`, label, logit, probability, top, metrics, random, warnings }
}

/// How far two models' maps of an image agree.
struct ComparedPair: Encodable {
  let first, second: String
  /// Nil if it is not defined, for example for a constant map.
  @Nullable var pearson: Double?
  @Nullable var spearman: Double?
  @Nullable var ssim: Double?
  @Nullable var iou: Double?
}
