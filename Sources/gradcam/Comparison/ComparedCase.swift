import GradCAM

/// One image and the class that all models are asked about.
struct ComparedCase {
  let image: String
  let picture: ComparedPicture
  let asked: AskedClass
  /// The classes that are in the image, as each model numbers them; empty if that is not known.
  let truth: [Set<Int>]
  /// The boxes of the class's objects in the image; empty if none are known.
  let boxes: [PixelRectangle]
}
