import { base64OfBytes } from "./arrays.js";

/** A part of a picture, drawn with a brush: 1 where it was painted. */
export class Painting {
  constructor(width, height) {
    this.canvas = new OffscreenCanvas(width, height);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.lineCap = this.context.lineJoin = "round";
    this.context.strokeStyle = this.context.fillStyle = "#ffffff";
    this.radius = Math.max(3, Math.round(Math.min(width, height) / 30));
    this.isEmpty = true;
  }

  /** Paints from one place to another, in pixels of the picture. */
  stroke(from, to) {
    this.context.lineWidth = 2 * this.radius;
    this.context.beginPath();
    this.context.moveTo(from.x, from.y);
    this.context.lineTo(to.x + 0.01, to.y);
    this.context.stroke();
    this.isEmpty = false;
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.isEmpty = true;
  }

  /** White where painted, black elsewhere, as a PNG file. */
  async png() {
    const { width, height } = this.canvas;
    const image = this.context.getImageData(0, 0, width, height);
    for (let i = 0; i < image.data.length; i += 4) {
      image.data.fill(image.data[i + 3] > 127 ? 255 : 0, i, i + 3);
      image.data[i + 3] = 255;
    }
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  async base64() { return base64OfBytes(new Uint8Array(await (await this.png()).arrayBuffer())); }
}
