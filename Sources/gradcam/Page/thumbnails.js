import { poles } from "./drawing.js";
import { thumbnailLevels } from "./projection.js";

export const thumbnailSide = 40;

/** Draws a map's heat into a small canvas. */
export function drawThumbnail(canvas, map, colors, signed = false) {
  const levels = signed ? null : thumbnailLevels(map, canvas.width);
  const image = new ImageData(canvas.width, canvas.height);
  if (signed) paintSignedThumbnail(image, map);
  else {
    for (let i = 0; i < levels.length; i++) {
      const entry = 3 * levels[i];
      image.data.set([colors[entry], colors[entry + 1], colors[entry + 2], 255], 4 * i);
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Values of both signs, nearest to each pixel, in two colours on light grey. */
function paintSignedThumbnail(image, map) {
  let largest = 0;
  for (const value of map.values) largest = Math.max(largest, Math.abs(value) || 0);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const row = Math.floor(y * map.height / image.height), column = Math.floor(x * map.width / image.width);
      const value = map.values[row * map.width + column] / (largest || 1), share = Math.min(Math.abs(value) || 0, 1);
      const pole = value > 0 ? poles.positive : poles.negative;
      for (let channel = 0; channel < 3; channel++) {
        image.data[4 * (y * image.width + x) + channel] = 244 + (pole[channel] - 244) * share;
      }
      image.data[4 * (y * image.width + x) + 3] = 255;
    }
  }
}

/** Draws the thumbnails of those elements that can be seen, a few at a time, when the browser has time. */
export class LazyThumbnails {
  #visible = new Set();
  #waiting = false;

  /** `draw(element)` draws one element's thumbnail if it is not up to date, and returns whether it did. */
  constructor(root, draw) {
    this.draw = draw;
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.#visible.add(target);
        else this.#visible.delete(target);
      }
      this.refresh();
    }, { root, rootMargin: "120px" });
  }

  watch(element) { this.observer.observe(element); }

  forget(element) {
    this.observer.unobserve(element);
    this.#visible.delete(element);
  }

  /** Draws what is out of date, soon. */
  refresh() {
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(() => this.#work(), 0);
  }

  #work() {
    this.#waiting = false;
    const end = performance.now() + 6;
    for (const element of this.#visible) {
      if (this.draw(element) && performance.now() > end) return this.refresh();
    }
  }
}
