import GradCAM

/// Several models side by side: what each saw in every image, how far they agree, how good their maps are, what they cost.
struct Comparison: Encodable {
  /// The method of all maps.
  let method: String
  /// The metrics, in the order of tables.
  let metrics: [MetricColumn]
  /// The models, in the order that the user gave.
  let models: [ComparedModel]
  /// The images, in the order that the user gave.
  let images: [ComparedImage]
}

/// A metric that maps were measured by.
struct MetricColumn: Encodable {
  let name, summary: String
  /// Whether more is better.
  let higher_is_better: Bool

  init(_ metric: any Metric) {
    name = metric.name
    summary = metric.summary
    higher_is_better = metric.isBetterHigher
  }
}

/// A model that is compared.
struct ComparedModel: Encodable {
  /// A name that no other has: the file's, or its path where several files share one.
  let name: String
  let path: String
  /// Where its maps are taken.
  let node: String
  /// The size of its input, as `224x224`.
  let input: String
  let classes: Int
  let cost: Cost
  /// Each metric's mean over the images where it is defined; nil where there is none.
  let means: [String: Double?]
  let warnings: [String]

  /// What it takes to run and to explain it.
  struct Cost: Encodable {
    /// The number of weights.
    let parameters: Int
    /// Floating-point operations of a forward pass, in thousands of millions.
    let gflop: Double
    /// The median time of a forward pass, and of a whole explanation without reading and writing pictures.
    let forward_ms, explanation_ms: Double
    /// What the process's memory grew by at most while the model ran, in 2²⁰ bytes; nil where the system does not tell.
    @Nullable var peak_mb: Double?
  }
}

/// An image with what every model saw in it.
struct ComparedImage: Encodable {
  let image: String
  let width, height: Int
  /// The class that every model is asked about.
  let label: String
  /// One for each model, in their order.
  let results: [ComparedResult]
  /// One for each pair of models, in the same order for all images.
  let agreement: [ComparedPair]
  /// A JPEG file of the picture, small enough for a page.
  let photograph: [UInt8]
  /// The objects of the class, in the picture's pixels; empty where none are known.
  let boxes: [PixelRectangle]

  enum CodingKeys: CodingKey { case image, width, height, label, results, agreement }
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
  /// By metric; nil where one is not defined.
  let metrics: [String: Double?]
  let warnings: [String]
  /// A JPEG file of the map in colours, of the photograph's size on the page.
  let heat: [UInt8]

  enum CodingKeys: CodingKey { case model, `class`, label, logit, probability, top, metrics, warnings }
}

/// How far two models' maps of an image say the same.
struct ComparedPair: Encodable {
  let first, second: String
  /// nil where it is not defined, as for a map that is the same everywhere.
  @Nullable var pearson: Double?
  @Nullable var spearman: Double?
  @Nullable var ssim: Double?
  @Nullable var iou: Double?
}
