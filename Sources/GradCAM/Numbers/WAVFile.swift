import Graph

extension NumberFile {
  /// Decodes the sound of a WAV file: channels × samples, −1 … 1, with its rate.
  ///
  /// Integers of 8, 16, 24 and 32 bits, and floating-point numbers of 32 and 64. Source: Microsoft and IBM, Multimedia
  /// Programming Interface and Data Specifications 1.0, with WAVE_FORMAT_EXTENSIBLE.
  ///
  /// Throws `badData` if it is damaged, `unsupported` if it is compressed.
  init(wav bytes: [UInt8]) throws {
    func damaged(_ reason: String) -> GradCAMError {
      GradCAMError(.badData, problem: "not a valid WAV file: \(reason)", advice: "save the sound again as WAV")
    }
    func tag(_ place: Int) -> String { String(decoding: bytes[place..<place + 4], as: UTF8.self) }
    guard bytes.count >= 12, ["RIFF", "RIFX"].contains(tag(0)), tag(8) == "WAVE" else {
      throw damaged("it does not begin with RIFF and WAVE")
    }
    let reader = ByteReader(bytes, isBigEndian: tag(0) == "RIFX")
    var place = 12, form: WAVForm?
    while place + 8 <= bytes.count {
      let name = tag(place), start = place + 8
      let count = min(Int(reader.integer(UInt32.self, at: place + 4)), bytes.count - start)
      if name == "fmt " {
        guard count >= 16 else { throw damaged("its format is cut off") }
        form = try WAVForm(reader, at: start, count: count)
      } else if name == "data" {
        guard let form else { throw damaged("its data come before their format") }
        let frames = count / (form.bytesPerSample * form.channels)
        guard frames > 0 else { throw damaged("it holds no sample") }
        try MemoryLimit.check(8 * frames * form.channels)
        let interleaved = form.samples(reader, count: frames * form.channels, from: start)
        var values = [Float](repeating: 0, count: interleaved.count)
        for (index, value) in interleaved.enumerated() {
          values[index % form.channels * frames + index / form.channels] = value
        }
        var source = NumberSource()
        source.rate = form.rate
        self.init(shape: [form.channels, frames], values: values, order: .signal, source: source)
        return
      }
      // Chunks begin at even places.
      place = start + count + count % 2
    }
    throw damaged("it holds no data")
  }
}

/// How a WAV file holds samples.
private struct WAVForm {
  let channels, bytesPerSample: Int
  let rate: Double
  private let isFloatingPoint: Bool

  init(_ reader: ByteReader, at start: Int, count: Int) throws {
    var code = reader.integer(UInt16.self, at: start)
    // Extensible: the first half of a longer identifier.
    if code == 0xFFFE, count >= 26 { code = reader.integer(UInt16.self, at: start + 24) }
    let bits = Int(reader.integer(UInt16.self, at: start + 14))
    channels = Int(reader.integer(UInt16.self, at: start + 2))
    rate = Double(reader.integer(UInt32.self, at: start + 4))
    (bytesPerSample, isFloatingPoint) = (bits / 8, code == 3)
    guard code == 1 && [8, 16, 24, 32].contains(bits) || code == 3 && [32, 64].contains(bits) else {
      throw GradCAMError(
        .unsupported, problem: "the sound is of WAV format \(code) with \(bits) bits, which is not read",
        advice: "save it as PCM, of 16 bits, say")
    }
    guard channels > 0, rate > 0 else {
      throw GradCAMError(.badData, problem: "not a valid WAV file: it has no channel or no rate")
    }
  }

  func samples(_ reader: ByteReader, count: Int, from start: Int) -> [Float] {
    if isFloatingPoint { return reader.floats(bytesPerSample == 4 ? .float32 : .float64, count: count, from: start) }
    return (0..<count).map { index in
      let place = start + index * bytesPerSample
      switch bytesPerSample {
      case 1: return (Float(reader.integer(UInt8.self, at: place)) - 128) / 128
      case 2: return Float(reader.integer(Int16.self, at: place)) / 32_768
      case 3:
        let parts = (0..<3).map { Int32(reader.integer(UInt8.self, at: place + $0)) }
        let (low, high) = reader.isBigEndian ? (parts[2], parts[0]) : (parts[0], parts[2])
        return Float((high << 24 | parts[1] << 16 | low << 8) >> 8) / 8_388_608
      default: return Float(reader.integer(Int32.self, at: place)) / 2_147_483_648
      }
    }
  }
}
