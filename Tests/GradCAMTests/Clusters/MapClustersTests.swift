import Graph
import Testing
import TestSupport

@testable import GradCAM

struct MapClustersTests {
  /// What SciPy and scikit-learn found, by Fixtures/clusters/make.py.
  struct Known: Decodable, Sendable, CustomStringConvertible {
    let name: String
    let count: Int
    let bumps: [[Double]]
    let eigenvalues: [Double]
    let groups: [[Int]]
    let outside: [Double]

    var description: String { name }
    var maps: [CoarseMap] { bumps.map { bump($0[0], $0[1], $0[2]) } }

    static let all: [Known] = fixtures("clusters/clusters.json")
  }

  @Test(arguments: Known.all) func eigenvaluesAreThoseOfSciPy(_ known: Known) throws {
    let found = try MapClusters(of: known.maps, count: known.count).eigenvalues
    #expect(found.count == known.eigenvalues.count)
    for (one, other) in zip(found, known.eigenvalues) { #expect(abs(one - other) < 1e-9, "\(one), \(other)") }
  }

  @Test(arguments: Known.all) func groupsAreThoseOfScikitLearn(_ known: Known) throws {
    let clusters = try MapClusters(of: known.maps, count: known.count)
    #expect(Set(clusters.groups.map { $0.members.sorted() }) == Set(known.groups))
    #expect(clusters.groups.map(\.members.count) == known.groups.map(\.count).sorted(by: >))
    for group in clusters.groups {
      let place = try #require(known.groups.firstIndex(of: group.members.sorted()))
      #expect(abs(group.outside - known.outside[place]) < 1e-12)
    }
  }

  @Test(arguments: Known.all) func threadsChangeNothing(_ known: Known) throws {
    let one = try MapClusters(of: known.maps, count: known.count, threadCount: 1)
    let four = try MapClusters(of: known.maps, count: known.count, threadCount: 4)
    #expect(one.eigenvalues == four.eigenvalues && one.groups.map(\.members) == four.groups.map(\.members))
    #expect(one.plane.map(\.x) == four.plane.map(\.x) && one.plane.map(\.y) == four.plane.map(\.y))
    #expect(one.groups.map(\.mean) == four.groups.map(\.mean))
  }

  /// Members are in the order of their likeness to the group's mean.
  @Test func nearestComeFirst() throws {
    for group in try MapClusters(of: Known.all[0].maps, count: 3).groups {
      let maps = Known.all[0].maps
      let likeness = group.members.map { member -> Float in
        zip(maps[member].values, group.mean.values).reduce(0) { $0 + $1.0 * $1.1 }
      }
      #expect(zip(likeness, likeness.dropFirst()).allSatisfy { $0 >= $1 })
      #expect(group.mean.values.max() == 1)
    }
  }

  /// Parts of the graph that have no connection are joined to what is nearest, not torn apart.
  @Test func morePartsThanGroups() throws {
    let places = [(3.0, 3.0), (7.0, 3.0), (16.0, 16.0), (12.0, 16.0)]
    var generator = SplitMix64(seed: 1)
    let maps = (0..<80).map { index in
      bump(places[index % 4].0 + generator.nextUniform() / 4, places[index % 4].1 + generator.nextUniform() / 4, 1)
    }
    let alone = try MapClusters(of: maps, count: 4)
    #expect(alone.groups.map(\.members.count) == [20, 20, 20, 20] && alone.groups.allSatisfy { $0.outside == 0 })
    #expect(alone.eigenvalues.prefix(4).allSatisfy { $0 < 1e-9 } && alone.eigenvalues[4] > 0.01)
    let joined = try MapClusters(of: maps, count: 2)
    #expect(
      Set(joined.groups.map { Set($0.members.map { $0 % 4 }) }) == [[0, 1], [2, 3]],
      "\(joined.groups.map { $0.members.map { $0 % 4 } })")
  }

  @Test func equalMapsCountOnce() throws {
    let (left, right) = (bump(4, 10, 2), bump(15, 10, 2))
    let same = try MapClusters(of: Array(repeating: left, count: 30), count: 3)
    #expect(same.groups.map(\.members) == [Array(0..<30)] && same.groups[0].outside == 0)
    #expect(same.eigenvalues.isEmpty && same.plane.count == 30)
    let two = try MapClusters(of: (0..<30).map { $0 % 3 == 0 ? left : right }, count: 3)
    #expect(two.groups.map(\.members.count) == [20, 10])
    // Copies of one map do not make a group of their own.
    let known = Known.all[1].maps
    let copies = try MapClusters(of: known + Array(repeating: known[0], count: 40), count: 2)
    #expect(Set(copies.groups.map { $0.members.filter { $0 < 80 }.sorted() }) == Set(Known.all[1].groups))
  }

  @Test func fewMaps() throws {
    #expect(try MapClusters(of: [], count: 2).groups.isEmpty)
    let one = try MapClusters(of: [bump(4, 4, 2)], count: 2)
    #expect(one.groups.map(\.members) == [[0]] && one.plane.count == 1)
    for count in 2...12 {
      let maps = (0..<count).map { bump(Double($0), 10, 1 + Double($0 % 3)) }
      for groups in 2...6 {
        let found = try MapClusters(of: maps, count: groups).groups
        #expect(found.count == min(count, groups), "\(count) maps, \(groups) groups")
        #expect(found.flatMap(\.members).sorted() == Array(maps.indices))
      }
    }
  }

  @Test func wrongNumbers() throws {
    for count in [-1, 0, 1, 51, .max] {
      expectError(.usage, saying: "2 to 50") { _ = try MapClusters(of: [bump(4, 4, 2)], count: count) }
    }
    let many = Array(repeating: bump(4, 4, 2), count: MapClusters.mostMaps + 1)
    expectError(.usage, saying: "50001 maps") { _ = try MapClusters(of: many, count: 2) }
  }
}

struct CoarseMapTests {
  /// Cells are means, and only their proportions count.
  @Test func cellsAreMeans() throws {
    let map = HeatMap(
      width: 40, height: 60,
      values: (0..<2400).map { place in
        let (column, row) = (place % 40 / 2, place / 40 / 3)
        return Float(column + row)
      })
    let cells = try #require(CoarseMap(map)).map.values
    for place in cells.indices {
      let wanted = Float(place / 20 + place % 20) / 38
      #expect(abs(cells[place] - wanted) < 1e-6)
    }
    let square: Float = try #require(CoarseMap(map)).values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(square - 1) < 1e-5)
    let brighter = try #require(CoarseMap(HeatMap(width: 40, height: 60, values: map.values.map { 4 * $0 })))
    #expect(try brighter == #require(CoarseMap(map)))
  }

  @Test func smallMapsAreEnlarged() throws {
    let cells = try #require(CoarseMap(HeatMap(width: 2, height: 1, values: [0, 3]))).map
    for (place, value) in cells.values.enumerated() { #expect(value == (place % 20 < 10 ? 0 : 1)) }
  }

  @Test func emptyOnes() throws {
    for value: Float in [0, -1, .nan, .infinity] {
      #expect(CoarseMap(HeatMap(width: 30, height: 30, values: Array(repeating: value, count: 900))) == nil)
    }
    #expect(CoarseMap(HeatMap(width: 3, height: 1, values: [-1, 0, -2]).aroundHalf()) == nil)
  }

  /// Of a map with its sign, what speaks for the target.
  @Test func signedOnes() throws {
    let map = HeatMap(width: 20, height: 20, values: (0..<400).map { $0 == 7 ? 2 : $0 == 8 ? -2 : 0 })
    let cells = try #require(CoarseMap(map.aroundHalf())).map.values
    #expect(cells.firstIndex(of: 1) == 7 && cells.count { $0 != 0 } == 1)
  }

  /// The grid lies over the picture, not over the padding round it.
  @Test func paddingHasNoCells() throws {
    let model = try shippedModel("shapes-vgg.onnx")
    var choice = PreprocessingChoice()
    choice.resize = .letterbox(Letterbox())
    let explainer = try Explainer(model, preprocessing: DecidedPreprocessing(choice, for: model))
    let wide = try SamplePictures.picture("single-003-star.png").resized(width: 120, height: 60)
    let observation = try explainer.observe(explainer.prepare(wide))
    let best = try explainer.classes(of: observation, count: 1)[0].index
    let explanation = try explainer.explain(classIndex: best, of: observation, methods: ["gradcam"])[0]
    let content = explanation.geometry.content, map = explanation.inputMap()
    try #require(content.size.height < map.height)
    let coarse = try #require(explanation.coarseMap())
    #expect(coarse == CoarseMap(map.cropped(to: content)) && coarse != CoarseMap(map))
  }
}

/// A bump in the middle of a grid's cell, or between cells.
private func bump(_ x: Double, _ y: Double, _ width: Double) -> CoarseMap {
  let side = CoarseMap.side
  let values = (0..<side * side).map { place in
    let (column, row) = (Double(place % side), Double(place / side))
    let (dx, dy) = (column - x, row - y)
    return Float(exp(-(dx * dx + dy * dy) / (2 * width * width)))
  }
  return CoarseMap(HeatMap(width: side, height: side, values: values))!
}
