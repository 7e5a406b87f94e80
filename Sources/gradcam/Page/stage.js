import { make, makeSVG } from "./dom.js";
import { drawMap } from "./drawing.js";
import { listenForGestures } from "./gestures.js";

/** Where a picture is enlarged to, shared by all stages: how much, and the share of it that is at the centre. */
const sharedLook = { zoom: 1, u: 0.5, v: 0.5 };

/** Pictures of more pixels are drawn smaller at first. */
const largePicture = 3e6;
const smaller = new WeakMap();

/** A large picture with about a million pixels. */
function smallerPicture(picture) {
  if (!smaller.has(picture)) {
    const { width, height, data } = picture, share = Math.sqrt(1e6 / (width * height));
    const [to, from] = [[Math.ceil(width * share), Math.ceil(height * share)], [width, height]].map(
      (size) => new OffscreenCanvas(...size).getContext("2d", { willReadFrequently: true }));
    from.putImageData(new ImageData(data, width, height), 0, 0);
    to.drawImage(from.canvas, 0, 0, to.canvas.width, to.canvas.height);
    smaller.set(picture, to.getImageData(0, 0, to.canvas.width, to.canvas.height));
  }
  return smaller.get(picture);
}

/**
 * Boxes as they are drawn in a picture of a height: from the last to the best, those explained at the end, above the
 * others, with their corners; the text stands above a box, or in its corner where the picture begins.
 */
export function drawnBoxes(boxes, height) {
  const lastFirst = [...boxes].reverse().sort((one, other) => one.explained - other.explained);
  return lastFirst.map(({ box: [x, y, w, h], corners, label, score, ...rest }) => ({
    ...rest, text: `${label} ${score.toFixed(2)}`, x: Math.max(0, x), y: Math.max(0, y), isInside: y < 0.04 * height,
    corners: corners ?? [[x, y], [x + w, y], [x + w, y + h], [x, y + h]],
  }));
}

/** One picture with a map over it, in a canvas of the picture's own pixels once it is finished. */
export class Stage {
  drawn = null;
  #picture = null;
  #size = [1, 1];
  #finish = null;
  #timer = null;
  #overlaySize = "";

  /** `events` has look() for a changed enlargement, point(place) for the pointer, pick(rank) for a detector's box. */
  constructor(events) {
    this.events = events;
    this.canvas = make("canvas", { width: 1, height: 1 });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.overlay = makeSVG("svg", { class: "overlay", "aria-hidden": "true" });
    this.paint = make("canvas", { class: "paint", width: 1, height: 1, hidden: true });
    this.cross = make("div", { class: "cross", hidden: true });
    this.surface = make("div", { class: "surface" }, this.canvas, this.paint, this.overlay);
    this.element = make("div", { class: "stage", tabindex: "0", role: "img" }, this.surface, this.cross);
    this.#listen();
  }

  #listen() {
    const { element } = this;
    listenForGestures(element, {
      wheelZooms: true,
      starts: () => !this.events.painting(),
      pan: (dx, dy) => this.#pan(dx, dy),
      zoom: (factor, x, y) => this.zoom(factor, x, y),
    });
    let last = null;
    element.addEventListener("pointerdown", (event) => {
      if (!this.events.painting() || event.button > 0) return;
      last = this.#place(event);
      element.setPointerCapture(event.pointerId);
      this.events.stroke(last, last);
    });
    element.addEventListener("pointermove", (event) => {
      const place = this.#place(event);
      if (last && this.events.painting()) {
        this.events.stroke(last, place);
        last = place;
      }
      this.events.point(this.#within(place));
    });
    for (const type of ["pointerup", "pointercancel"]) {
      element.addEventListener(type, () => {
        if (last) this.events.strokeEnded();
        last = null;
      });
    }
    element.addEventListener("pointerleave", () => this.events.point(null));
    element.addEventListener("dblclick", () => !this.events.painting() && this.zoom(sharedLook.zoom > 1 ? 0 : 2.5));
    new ResizeObserver(() => this.place()).observe(element);
  }

  /** The width and height of what is drawn, in pixels of the picture. */
  get size() { return this.#picture ? this.#size : [1, 1]; }

  /** How many pixels of the screen a pixel of the picture takes, and where its corner lies. */
  get frame() {
    const [width, height] = this.size, { clientWidth, clientHeight } = this.element;
    const scale = Math.min(clientWidth / width, clientHeight / height) * sharedLook.zoom;
    return {
      scale, x: clientWidth / 2 - sharedLook.u * width * scale, y: clientHeight / 2 - sharedLook.v * height * scale,
    };
  }

  /** The place under the pointer, in pixels of the picture. */
  #place(event) {
    const bounds = this.element.getBoundingClientRect(), { scale, x, y } = this.frame;
    return { x: (event.clientX - bounds.left - x) / scale, y: (event.clientY - bounds.top - y) / scale };
  }

  /** The pixel at a place, null outside; the right one of two pictures counts as the left one. */
  #within({ x, y }) {
    const [width, height] = this.size;
    if (!this.#picture || x < 0 || y < 0 || x >= width || y >= height) return null;
    return { x: Math.floor(x) % this.#picture.width, y: Math.floor(y) };
  }

  #pan(dx, dy) {
    const { scale } = this.frame, [width, height] = this.size;
    this.#look(sharedLook.zoom, sharedLook.u - dx / (width * scale), sharedLook.v - dy / (height * scale));
  }

  /** Enlarges around a place of the stage, its centre by default; 0 shows the whole picture. */
  zoom(factor, x = this.element.clientWidth / 2, y = this.element.clientHeight / 2) {
    if (factor === 0) return this.#look(1, 0.5, 0.5);
    const [width, height] = this.size, before = this.frame, zoom = Math.min(40, Math.max(1, sharedLook.zoom * factor));
    const scale = before.scale * zoom / sharedLook.zoom;
    const u = (x - before.x) / before.scale / width, v = (y - before.y) / before.scale / height;
    const { clientWidth, clientHeight } = this.element;
    this.#look(zoom, u - (x - clientWidth / 2) / (width * scale), v - (y - clientHeight / 2) / (height * scale));
  }

  #look(zoom, u, v) {
    const [width, height] = this.size, { clientWidth, clientHeight } = this.element;
    const scale = Math.min(clientWidth / width, clientHeight / height) * zoom;
    const within = (at, length, space) => {
      const half = space / 2 / (length * scale);
      return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, at));
    };
    Object.assign(sharedLook, { zoom, u: within(u, width, clientWidth), v: within(v, height, clientHeight) });
    this.events.look();
  }

  /** Puts the picture where the shared enlargement says. */
  place() {
    if (!this.#picture) return;
    const { scale, x, y } = this.frame;
    this.surface.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.surface.style.setProperty("--pixel", `${1 / scale}px`);
    this.element.classList.toggle("magnified", scale >= 5 && sharedLook.zoom > 1.5);
    this.element.classList.toggle("enlarged", sharedLook.zoom > 1);
  }

  /** Draws a picture, with a map if there is one; a large one smaller at first, and as it is a moment later. */
  draw(picture, map, geometry, settings) {
    clearTimeout(this.#timer);
    this.#finish = null;
    this.#picture = picture;
    this.surface.hidden = !picture;
    if (!picture) return;
    const paint = (shown) => {
      this.drawn = map ? drawMap(shown, map, geometry, settings) : null;
      const { width, height, data } = this.drawn ?? shown, factor = picture.width / shown.width;
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      this.context.putImageData(new ImageData(data, width, height), 0, 0);
      this.#size = shown === picture ? [width, height] : [Math.round(width * factor), picture.height];
      const [cssWidth, cssHeight] = this.#size.map((side) => `${side}px`);
      for (const { style } of [this.surface, this.canvas]) [style.width, style.height] = [cssWidth, cssHeight];
      this.place();
    };
    if (!map || picture.width * picture.height <= largePicture) return paint(picture);
    paint(smallerPicture(picture));
    this.#finish = () => paint(picture);
    this.#timer = setTimeout(() => this.finish(), 300);
  }

  /** Draws each pixel of the picture, if that is not done yet. */
  finish() {
    clearTimeout(this.#timer);
    this.#finish?.();
    this.#finish = null;
  }

  /** The map's value at a pixel, 0…1 or, with both signs, −1…1; undefined where it does not reach, null without a map. */
  valueAt({ x, y }) {
    if (!this.drawn || this.#finish) return null;
    const { values, scale, seen } = this.drawn;
    if (seen && (x < seen[0] || y < seen[1] || x >= seen[0] + seen[2] || y >= seen[1] + seen[3])) return undefined;
    return (values[y * this.#picture.width + x] - scale.lowest) / scale.range;
  }

  /** Shows where the pointer is in this or another view. */
  showPointer(place) {
    this.cross.hidden = !place || !this.#picture;
    if (this.cross.hidden) return;
    const { scale, x, y } = this.frame;
    this.cross.style.transform = `translate(${x + (place.x + 0.5) * scale}px, ${y + (place.y + 0.5) * scale}px)`;
  }

  /** Draws a detector's boxes, those explained above the others. */
  showBoxes(boxes) {
    this.overlay.replaceChildren();
    if (!this.#picture || !boxes) return;
    const [width, height] = this.size;
    this.overlay.setAttribute("width", width);
    this.overlay.setAttribute("height", height);
    for (const { rank, text, explained, x, y, isInside, corners } of drawnBoxes(boxes, this.#picture.height)) {
      const points = corners.join(" ");
      const words = makeSVG("text", { x, y, class: isInside ? "inside" : "above" });
      words.textContent = text;
      const group = makeSVG("g", { class: explained ? "detection chosen" : "detection" },
        makeSVG("polygon", { class: "under", points }), makeSVG("polygon", { class: "over", points }), words);
      group.addEventListener("click", () => this.events.pick(rank));
      this.overlay.append(group);
    }
  }

  /** Shows what is painted of a part, or nothing. */
  showPainting(painting) {
    this.paint.hidden = !painting || painting.isEmpty;
    if (this.paint.hidden) return;
    const { width, height } = painting.canvas;
    Object.assign(this.paint, { width, height });
    const context = this.paint.getContext("2d");
    context.drawImage(painting.canvas, 0, 0);
  }
}
