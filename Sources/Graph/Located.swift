/// Runs `body`; an error that it throws gains an enclosing place.
public func located<Result>(_ place: @autoclosure () -> Message, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as GradCAMError {
    throw error.within(place())
  }
}

/// Runs `body`; an error that it throws gains an enclosing place that names no setting.
@_disfavoredOverload
public func located<Result>(_ place: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result {
  try located(Message(place()), body)
}
