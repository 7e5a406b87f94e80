import GradCAM

extension HTMLReport {
  /// Image by image, the photograph with each model's heat over it.
  var images: Section? {
    guard !comparison.images.isEmpty else { return nil }
    return Section(
      id: "images", title: "Images", content: "\(imageTable)\(controls)\n\(comparison.images.indices.map(image))")
  }

  private var hasBoxes: Bool { comparison.images.contains { !$0.boxes.isEmpty } }

  /// Links to the images, if there are several.
  private var imageTable: HTML {
    guard comparison.images.count > 1 else { return "" }
    let isCompared = comparison.models.count > 1
    let rows = comparison.images.indices.map { index -> HTML in
      let image = comparison.images[index]
      let agreement: HTML =
        image.agreement.map(\.pearson).mean.map { "\(typeset($0, 2))" } ?? .missing("not defined for these maps")
      return """
        <tr><th scope="row"><a href="#image-\(index)">\(imageNames[index])</a></th><td class="text">\(image.label)</td>\
        <td>\(image.results.filter(\.isTop).count) of \(image.results.count)</td>\
        \(isCompared ? "<td>\(agreement)</td>" : "" as HTML)</tr>

        """
    }
    return scrolling(
      """
      <table><caption><span>All images: the class asked about, how many models choose it themselves\
      \(isCompared ? ", and how alike the maps are" : "").</span></caption>
      <thead><tr><th scope="col">Image</th><th scope="col" class="text">Asked about</th>\
      <th scope="col">First choice of</th>\(isCompared ? "<th scope=\"col\">Pearson</th>" : "" as HTML)</tr></thead>
      <tbody>
      \(rows)</tbody></table>
      """, isTall: true)
  }

  /// The script's controls: how strong the heat is, and which model is shown.
  private var controls: HTML {
    let models = comparison.models.indices.map { index -> HTML in
      """
      <label title="\(comparison.models[index].name)"><input type="radio" name="shown" value="\(index)" \
      aria-label="only \(comparison.models[index].name)"/> \(letter(index))</label>
      """
    }
    let choice: HTML = """
      <fieldset><legend>Show</legend><label><input type="radio" name="shown" value="all" checked="checked"/> \
      all models</label>\(models)</fieldset>
      """
    return """
      <form id="controls" class="controls" aria-label="How the maps are shown" hidden="hidden">
      <label class="slider">Heat <input id="heat" type="range" min="0" max="100" step="5" value="50"/> \
      <output for="heat" id="strength">50%</output></label>
      \(hasBoxes ? "<label><input id=\"boxes\" type=\"checkbox\" checked=\"checked\"/> Boxes</label>" : "" as HTML)
      \(models.count > 1 ? choice : "")
      </form>
      """
  }

  private func image(_ index: Int) -> HTML {
    let image = comparison.images[index], name = imageNames[index]
    let figures = image.results.indices.map { overlay(index, $0) }
    let pairs: HTML =
      image.agreement.isEmpty
      ? ""
      : """
      <details\(image.agreement.count < 7 ? " open=\"open\"" : "" as HTML)><summary>How alike the maps of \(name) \
      are</summary>
      \(pairTable(image.agreement, caption: "Agreement of the maps of \(name)", isCaptionSeen: false))</details>

      """
    return """

      <article class="image" id="image-\(index)" aria-labelledby="image-\(index)-title">
      <h3 id="image-\(index)-title">\(name)</h3>
      <p>Asked about <strong>\(image.label)</strong> · \(image.width) × \(image.height) pixels</p>
      <div class="figures">
      <figure>\(picture(index, description: "The photograph \(name)", layers: photograph(index)))
      <figcaption><p class="name">Photograph</p></figcaption></figure>
      \(figures)</div>
      \(pairs)</article>

      """
  }

  /// The layer of an image's photograph, which the file contains once.
  private func photograph(_ index: Int, isUsed: Bool = false) -> HTML {
    let image = comparison.images[index]
    let first = comparison.images.firstIndex { $0.image == image.image }!
    guard index == first, !isUsed else { return "<use href=\"#photograph-\(first)\"/>" }
    return """
      <image id="photograph-\(index)" width="\(image.width)" height="\(image.height)" preserveAspectRatio="none" \
      href="\(jpeg: image.photograph)"/>
      """
  }

  /// The photograph with a model's heat over it, and what the model said.
  private func overlay(_ index: Int, _ model: Int) -> HTML {
    let image = comparison.images[index], result = image.results[model]
    let description =
      "Map of \(result.model) for “\(result.name)” over \(imageNames[index])"
      + (image.boxes.isEmpty ? "" : ", the objects’ boxes drawn")
    let whole = PixelRectangle(x: 0, y: 0, width: image.width, height: image.height), seen = result.seen ?? whole
    let heat: HTML = """
      \(photograph(index, isUsed: true))<image class="heat" \(place(seen)) preserveAspectRatio="none" \
      href="\(jpeg: result.heat)"/>\(result.seen == nil ? "" : "<rect class=\"seen\" \(place(seen))/>" as HTML)
      """
    let isOwn = comparison.metrics.isEmpty || !comparison.measuresOwnClass || result.isTop
    let metrics = comparison.metrics.map { metric -> HTML in
      let value: HTML =
        (result.metrics[metric.name] ?? nil).map { "\(typeset($0, 3))" } ?? .missing("not defined for this map")
      return "<div><dt>\(metric.name)</dt><dd>\(value)</dd></div>"
    }
    return """
      <figure data-model="\(model)">\(picture(index, description: description, layers: heat))
      <figcaption><p>\(badge(model)) at <code>\(HTML.breakable(comparison.models[model].node))</code></p>
      <p>“\(result.name)” \(percent(result.probability))\(choice(of: result))</p>
      \(isOwn ? "" : "<p class=\"about\">Measured is its map for “\(result.top.name)”:</p>\n" as HTML)\
      \(metrics.isEmpty ? "" : "<dl>\(metrics)</dl>" as HTML)\
      \(result.warnings.isEmpty ? "" : "<ul class=\"warnings\">\(result.warnings.map { "<li>\($0.text)</li>" as HTML })</ul>" as HTML)\
      </figcaption></figure>

      """
  }

  /// The model's own first choice.
  private func choice(of result: ComparedResult) -> HTML {
    result.isTop
      ? ", its first choice"
      : "<span class=\"differs\">≠ it says “\(result.top.name)” \(percent(result.top.probability ?? .nan))</span>"
  }

  /// Layers on top of each other in an image's pixel coordinates, with the boxes of its objects.
  private func picture(_ index: Int, description: String, layers: HTML) -> HTML {
    let image = comparison.images[index]
    let boxes = image.boxes.map { box -> HTML in
      "<rect class=\"box outer\" \(place(box))/><rect class=\"box inner\" \(place(box))/>"
    }
    return """
      <svg class="picture" viewBox="0 0 \(image.width) \(image.height)" role="img" aria-label="\(description)">\
      \(layers)\(boxes)</svg>
      """
  }

  private func place(_ part: PixelRectangle) -> HTML {
    "x=\"\(part.x)\" y=\"\(part.y)\" width=\"\(part.size.width)\" height=\"\(part.size.height)\""
  }

}
