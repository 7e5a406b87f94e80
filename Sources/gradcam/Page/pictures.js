// Files of pictures: their pixels, small images of them, and which of them a page has that is reloaded.

/** A picture's pixels, as they are in the file. */
export async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { width, height, data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { width, height, data, blob };
}

/** The middle of a picture, 96 pixels wide and high. */
export async function smallPicture(blob) {
  const bitmap = await createImageBitmap(blob), side = Math.min(bitmap.width, bitmap.height);
  return createImageBitmap(
    bitmap, (bitmap.width - side) >> 1, (bitmap.height - side) >> 1, side, side,
    { resizeWidth: 96, resizeHeight: 96, resizeQuality: "high" });
}

/** What is said of a file that is refused. */
export function refusalOfFile(file, error) {
  return `${file.name || "The picture"}: ${(error.line ?? error.message).replace(/^body: /, "")}.`;
}

/** The documents of the pictures that were added before this page was reloaded. */
export function rememberedPictures() {
  try {
    const documents = JSON.parse(sessionStorage.getItem("pictures"));
    return Array.isArray(documents) ? documents : [];
  } catch {
    return [];
  }
}

/** Remembers documents of pictures, in case the page is reloaded. */
export function rememberPictures(images) {
  try {
    sessionStorage.setItem("pictures", JSON.stringify(images));
  } catch {
    // Browsers may refuse to keep anything.
  }
}
