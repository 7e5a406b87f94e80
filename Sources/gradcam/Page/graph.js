import { fill, icon, iconButton, make, makeSVG } from "./dom.js";
import { listenForGestures } from "./gestures.js";
import { layOut, openedAtFirst, parentsOf } from "./grid.js";
import { ancestorsOf, boxTowards, shownBox } from "./navigation.js";
import { kindOf, shapeText } from "./operators.js";
import { LazyThumbnails, drawThumbnail, thumbnailSide } from "./thumbnails.js";

const arrowDirections = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

/** The graph of the active view's model: boxes that are buttons, and edges behind them. */
export class Graph {
  #boxes = new Map();
  #opened = new Map();
  #focused = null;
  #look = { x: 0, y: 0, scale: 1 };
  #drawn = 0;
  /** The box to be brought into view when the graph is no longer hidden, or null. */
  #hiddenKey = null;

  constructor(session, host, tools) {
    this.session = session;
    this.host = host;
    this.lines = makeSVG("path", { class: "lines" });
    this.near = makeSVG("path", { class: "lines near" });
    this.edges = makeSVG("svg", { class: "edges", "aria-hidden": "true" }, this.lines, this.near);
    this.world = make("div", { class: "world" }, this.edges);
    this.hint = make("p", { class: "hint", text: "Click a box to see its map, its arrow to open it." });
    host.append(this.world, this.hint);
    fill(tools,
      iconButton("plus", "Enlarge (+)", () => this.zoom(1.25)), iconButton("minus", "Shrink (−)", () => this.zoom(0.8)),
      iconButton("fit", "Show all (0)", () => this.fit()),
      iconButton("target", "Show the current node (.)", () => this.reveal(true)),
      iconButton("open", "Open all groups", () => this.openAll(true)),
      iconButton("shut", "Close all groups", () => this.openAll(false)));
    this.thumbnails = new LazyThumbnails(host, (element) => this.#drawThumbnail(element));
    listenForGestures(host, { pan: (dx, dy) => this.#pan(dx, dy), zoom: (factor, x, y) => this.#zoomAt(factor, x, y) });
    host.addEventListener("keydown", (event) => this.#key(event));
    host.addEventListener("focusin", (event) => {
      const key = event.target.closest(".box")?.dataset.key;
      if (key) this.#setFocused(key);
    });
    // A box that gets the focus is brought into view by the transform, not by scrolling.
    host.addEventListener("scroll", () => host.scrollTo(0, 0));
    new ResizeObserver(() => this.#resized()).observe(host);
    session.addEventListener("views", () => this.#showModel());
    session.addEventListener("node", () => {
      this.hint.hidden = true;
      this.#mark();
    });
    new IntersectionObserver(() => this.#appeared()).observe(host);
    for (const type of ["question", "picture", "settings"]) session.addEventListener(type, () => this.#redraw());
    session.addEventListener("answer", ({ detail }) => detail.question.model === this.model?.name && this.#redraw());
  }

  /** The ids of the open groups. */
  get opened() { return this.#opened.get(this.model.name); }

  #showModel() {
    const { model } = this.session;
    if (!model) return;
    if (model !== this.model) {
      this.model = model;
      this.parents = parentsOf(model);
      if (!this.#opened.has(model.name)) this.#opened.set(model.name, this.#openedAtFirst());
      for (const box of this.#boxes.values()) this.#remove(box);
      this.#boxes.clear();
      this.#focused = null;
      this.host.setAttribute("aria-label", `Network of ${model.name}, ${model.nodes.length} nodes`);
      this.#lay();
      this.#showAtFirst();
    }
    this.#mark();
    this.#redraw();
  }

  /** The groups that are open at first, those around a node that an address names among them. */
  #openedAtFirst() {
    const opened = openedAtFirst(this.model), { node } = this.session.view;
    if (node !== null && node !== this.model.auto) {
      for (const id of ancestorsOf(`n${node}`, this.parents)) opened.add(id);
    }
    return opened;
  }

  /** Boxes that can be read, the current node's among them. */
  #showAtFirst() {
    // A graph that is a little too wide is shown a little smaller.
    const across = (this.host.clientWidth - 40) / this.layout.width;
    this.fit(Math.max(0.6, Math.min(0.86, across)));
    this.#bringIntoView(shownBox(this.session.view.node, this.parents, this.opened));
    this.fitted = true;
  }

  /** Places boxes and edges, those that stay as the same elements. */
  #lay() {
    this.layout = layOut(this.model, this.opened);
    const { width, height, boxes, edges } = this.layout;
    const keys = new Set(boxes.map((box) => box.key));
    for (const [key, box] of this.#boxes) {
      if (keys.has(key) && box.open === boxes.find((other) => other.key === key).open) continue;
      this.#remove(box);
      this.#boxes.delete(key);
    }
    let previous = this.edges;
    for (const box of boxes) {
      if (!this.#boxes.has(box.key)) this.#boxes.set(box.key, { ...this.#make(box), open: box.open });
      const { element } = this.#boxes.get(box.key);
      const { x, y, width, height } = box;
      Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
      if (previous.nextSibling !== element) previous.after(element);
      previous = element;
    }
    this.edges.setAttribute("width", width);
    this.edges.setAttribute("height", height);
    Object.assign(this.world.style, { width: `${width}px`, height: `${height}px` });
    this.lines.setAttribute("d", edges.map((edge) => edge.path).join(""));
    if (!this.#focused || !this.#boxes.has(this.#focused)) this.#focused = null;
    this.#mark();
  }

  #remove({ element }) {
    this.thumbnails.forget(element);
    element.remove();
  }

  #make(box) {
    if (box.node !== undefined) return this.#makeNode(box, this.model.byIndex.get(box.node));
    const group = this.model.groups[box.group];
    const count = `${group.operatorCount} operator${group.operatorCount === 1 ? "" : "s"}`;
    const toggle = make("button", {
      type: "button", class: "toggle", tabindex: "-1", "aria-expanded": String(box.open),
      "aria-label": `${box.open ? "Close" : "Open"} ${group.title}`, title: `${box.open ? "Close" : "Open"} (Enter)`,
      onclick: () => this.toggle(box.group),
    }, icon("chevron"));
    const face = make("button", {
      type: "button", class: "face", tabindex: "-1", title: group.path || group.title,
      "aria-label": `Group ${group.title}, ${count}, ${box.open ? "open" : "closed"}`,
      onclick: () => this.#choose(box.key), ondblclick: () => this.toggle(box.group),
    });
    const canvas = box.open || group.last === null ? null : this.#canvas();
    this.#fillFace(face, canvas, group.title, [count]);
    const element = make("div", { class: `box group ${box.open ? "open" : "closed"}`, "data-key": box.key }, face, toggle);
    if (canvas) this.thumbnails.watch(element);
    return { element, face, canvas, node: group.last };
  }

  #makeNode(box, node) {
    const canvas = node.mappable ? this.#canvas() : null, shape = shapeText(node.shape);
    const face = make("button", {
      type: "button", class: "face", tabindex: "-1", title: node.query,
      "aria-label": [node.title, node.operator, shape, node.mappable ? null : "no map"].filter(Boolean).join(", "),
      onclick: () => this.#choose(box.key),
    });
    // An operator that has no other name is named once.
    const isNamed = node.title.toLowerCase() !== node.operator.toLowerCase();
    const shortShape = shape.replaceAll(" ", "");
    this.#fillFace(face, canvas, isNamed ? node.title : node.operator, isNamed ? [node.operator, shortShape] : [shortShape]);
    const kinds = `box node ${kindOf(node.operator)} ${node.mappable ? "" : "plain"}`;
    const element = make("div", { class: kinds, "data-key": box.key }, face);
    if (canvas) this.thumbnails.watch(element);
    return { element, face, canvas, node: node.index };
  }

  /** What a box shows: a thumbnail, a title, and facts of which all but the last may be cut. */
  #fillFace(face, canvas, title, facts) {
    const kind = make("span", { class: "kind" }, facts.map((text) => make("span", { text })));
    fill(face, canvas, make("span", { class: "words" }, make("span", { class: "title", text: title }), kind));
  }

  #canvas() {
    const canvas = make("canvas", { width: thumbnailSide, height: thumbnailSide, "aria-hidden": "true" });
    canvas.getContext("2d", { willReadFrequently: true });
    return canvas;
  }

  #redraw() {
    this.#drawn += 1;
    this.thumbnails.refresh();
  }

  #drawThumbnail(element) {
    const box = this.#boxes.get(element.dataset.key);
    if (!box?.canvas || box.drawn === this.#drawn) return false;
    box.drawn = this.#drawn;
    const { explanation } = this.session.state(), { colormap, signed } = this.session.settings;
    const map = explanation && !explanation.isWhole ? explanation.map(box.node) : null;
    const source = map && `${this.session.explanations.key(this.session.question())} ${colormap} ${signed}`;
    if (box.source === source) return false;
    box.source = source;
    if (map) drawThumbnail(box.canvas, map, this.session.colors(colormap), signed);
    else box.canvas.getContext("2d").clearRect(0, 0, thumbnailSide, thumbnailSide);
    element.classList.toggle("drawn", map !== null);
    element.classList.toggle("empty", map?.empty ?? false);
    return true;
  }

  /** Shows the map of a box: a node's own, or that of a group's last node. */
  #choose(key) {
    this.#setFocused(key);
    const node = this.#boxes.get(key)?.node;
    if (node !== null && node !== undefined) this.session.selectNode(node);
  }

  /** The one box that the tabulator key reaches. */
  #setFocused(key) {
    const old = this.#boxes.get(this.#focused)?.face;
    if (old) old.tabIndex = -1;
    this.#focused = key;
    const box = this.#boxes.get(key);
    if (box) box.face.tabIndex = 0;
  }

  /** Marks the current node, the groups around it, and its edges. */
  #mark() {
    const { view } = this.session;
    if (!this.layout || view?.model !== this.model.name) return;
    const current = view.node === null ? null : shownBox(view.node, this.parents, this.opened);
    const around = new Set(current ? ancestorsOf(`n${view.node}`, this.parents).map((id) => `g${id}`) : []);
    for (const [key, { element, face }] of this.#boxes) {
      const isCurrent = key === current;
      if (element.classList.contains("current") !== isCurrent) {
        element.classList.toggle("current", isCurrent);
        if (isCurrent) face.setAttribute("aria-current", "true");
        else face.removeAttribute("aria-current");
      }
      element.classList.toggle("around", !isCurrent && around.has(key));
    }
    const near = this.layout.edges.filter((edge) => edge.from === current || edge.to === current);
    this.near.setAttribute("d", near.map((edge) => edge.path).join(""));
    if (!this.#focused) this.#setFocused(current ?? this.layout.boxes[0]?.key);
  }

  toggle(group) {
    this.hint.hidden = true;
    const key = `g${group}`, hadFocus = this.host.contains(document.activeElement);
    const before = this.layout.boxes.find((box) => box.key === key);
    if (this.opened.has(group)) this.opened.delete(group);
    else this.opened.add(group);
    this.#lay();
    // What was clicked stays where it is.
    const after = this.layout.boxes.find((box) => box.key === key);
    const { scale } = this.#look;
    this.#pan((before.x + before.width / 2 - after.x - after.width / 2) * scale, (before.y - after.y) * scale);
    this.#bringIntoView(key);
    this.#setFocused(key);
    if (hadFocus) this.#boxes.get(key).face.focus({ preventScroll: true });
    this.#redraw();
  }

  openAll(open) {
    const all = open ? this.model.groups.map((group) => group.id) : [0];
    this.#opened.set(this.model.name, new Set(all));
    this.#lay();
    if (open) this.reveal(true);
    else this.fit();
    this.#redraw();
  }

  /** Opens the groups around the current node, brings it into view, and gives it the focus if `focuses`. */
  reveal(opens = false, focuses = false) {
    const { node } = this.session.view;
    if (node === null) return;
    const closed = ancestorsOf(`n${node}`, this.parents).filter((id) => !this.opened.has(id));
    if (opens && closed.length) {
      for (const id of closed) this.opened.add(id);
      this.#lay();
      this.#redraw();
    }
    const key = shownBox(node, this.parents, this.opened);
    this.#setFocused(key);
    if (focuses) this.#boxes.get(key).face.focus({ preventScroll: true });
    this.#bringIntoView(key, 0.6);
  }

  /** Moves as little as needed for a box to be seen. */
  #bringIntoView(key, leastScale = 0) {
    const box = this.layout.boxes.find((box) => box.key === key);
    if (!box) return;
    const { clientWidth: width, clientHeight: height } = this.host;
    this.#hiddenKey = width ? null : key;
    if (!width) return;
    if (leastScale) this.#look.scale = Math.min(1.2, Math.max(leastScale, this.#look.scale));
    const { scale } = this.#look, margin = 52;
    // Of an open group, its head is shown, and of a box that does not fit, its beginning.
    const along = (at, start, length, space) => {
      const needed = box.open ? Math.min(length, 80) : length;
      const low = margin - start * scale, high = space - margin - (start + needed) * scale;
      const centered = Math.max(8, (space - needed * scale) / 2) - start * scale;
      return low > high ? centered : Math.min(Math.max(at, low), high);
    };
    this.#look.x = along(this.#look.x, box.x, box.width, width);
    this.#look.y = along(this.#look.y, box.y, box.height, height);
    this.#move();
  }

  /** Shows the whole graph, or a part of it at `leastScale`. */
  fit(leastScale = 0.04) {
    if (!this.layout) return;
    const { clientWidth: width, clientHeight: height } = this.host, margin = 20;
    const across = (width - 2 * margin) / this.layout.width, down = (height - 2 * margin) / this.layout.height;
    const scale = Math.min(1, Math.max(Math.min(across, down), leastScale));
    this.fitted = true;
    this.#look = {
      scale, x: (width - this.layout.width * scale) / 2,
      y: Math.max(margin, (height - this.layout.height * scale) / 2),
    };
    this.#move();
  }

  /** What was to be brought into view while the graph was hidden is now. */
  #appeared() {
    if (this.#hiddenKey !== null && this.layout && this.host.clientWidth) this.#bringIntoView(this.#hiddenKey, 0.6);
  }

  /** A panel that changes its size keeps showing the whole graph if it did. */
  #resized() {
    if (this.layout && this.fitted && this.host.clientWidth > 0) this.#showAtFirst();
  }

  zoom(factor) { this.#zoomAt(factor, this.host.clientWidth / 2, this.host.clientHeight / 2); }

  #zoomAt(factor, x, y) {
    const scale = Math.min(3, Math.max(0.04, this.#look.scale * factor)), ratio = scale / this.#look.scale;
    this.#look = { scale, x: x - (x - this.#look.x) * ratio, y: y - (y - this.#look.y) * ratio };
    this.fitted = false;
    this.#move();
  }

  #pan(dx, dy) {
    const { clientWidth, clientHeight } = this.host, { scale } = this.#look, margin = 60;
    const within = (at, length, space) => Math.min(space - margin, Math.max(margin - length * scale, at));
    this.#look.x = within(this.#look.x + dx, this.layout.width, clientWidth);
    this.#look.y = within(this.#look.y + dy, this.layout.height, clientHeight);
    this.fitted = false;
    this.#move();
  }

  #move() {
    const { x, y, scale } = this.#look;
    this.world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.host.classList.toggle("far", scale < 0.4);
    // A layer of its own moves smoothly, but is sharp only once it is none.
    this.world.classList.add("moving");
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.world.classList.remove("moving"), 200);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = this.layout.boxes.find((box) => box.key === this.#focused);
    const direction = arrowDirections[event.key];
    if (direction) {
      this.step(direction);
    } else if (event.key === "Enter" && box?.group !== undefined) this.toggle(box.group);
    else return;
    event.preventDefault();
  }

  /** Goes on along an edge or a row. */
  step(direction) {
    const box = this.layout?.boxes.find((box) => box.key === this.#focused);
    const next = box && boxTowards(direction, box, this.layout, this.model, this.opened, this.parents);
    if (!next) return;
    this.#choose(next.key);
    this.#boxes.get(next.key).face.focus({ preventScroll: true });
    this.#bringIntoView(next.key);
  }
}
