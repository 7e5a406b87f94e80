/// Runs `body`; an error that it throws gains an enclosing place.
public func located<Result>(_ place: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as GradCAMError {
    throw error.within(place())
  }
}
