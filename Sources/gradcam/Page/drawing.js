import { drawnValues, project, rescaled, rescaling } from "./projection.js";

// Pictures of maps: pure functions of typed arrays. A picture is {width, height, data} with red, green, blue, alpha.

/** The whole part of a value, clamped to 0…255; 0 for NaN. */
function truncatedByte(value) {
  return value > 0 ? (value < 255 ? value | 0 : 255) : 0;
}

/** The colour number of each value of 0…1. */
export function levelsOf(values, { lowest, range } = { lowest: 0, range: 1 }) {
  const levels = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    levels[i] = truncatedByte(Math.fround(255 * Math.fround(Math.fround(values[i] - lowest) / range)));
  }
  return levels;
}

/** Calls `row(start, end)` with the range of pixels of each row of a part [x, y, width, height]. */
function forEachRow(part, width, row) {
  for (let y = part[1]; y < part[1] + part[3]; y++) row(y * width + part[0], y * width + part[0] + part[2]);
}

/**
 * The heat blended with the picture, divided by its maximum: `(1 - blend) * heat + blend * picture`, as in
 * pytorch-grad-cam. Levels below `lowestLevel` leave the picture as it is.
 */
function paintOverlay(target, source, levels, part, width, colors, blend, lowestLevel) {
  const weight = Math.fround(blend > 0 ? Math.min(blend, 1) : 0), rest = Math.fround(1 - weight);
  const heat = Float32Array.from(colors, (color) => rest * Math.fround(color / 255));
  const shade = Float32Array.from({ length: 256 }, (_, sample) => weight * Math.fround(sample / 255));
  // The result for a sample depends only on its value and its entry, the index of its heat.
  const brightest = new Int16Array(768).fill(-1);
  forEachRow(part, width, (start, end) => {
    for (let i = start; i < end; i++) {
      const entry = 3 * levels[i], at = 4 * i;
      if (source[at] > brightest[entry]) brightest[entry] = source[at];
      if (source[at + 1] > brightest[entry + 1]) brightest[entry + 1] = source[at + 1];
      if (source[at + 2] > brightest[entry + 2]) brightest[entry + 2] = source[at + 2];
    }
  });
  let maximum = 0;
  for (let entry = 0; entry < 768; entry++) {
    if (brightest[entry] >= 0) maximum = Math.max(maximum, Math.fround(heat[entry] + shade[brightest[entry]]));
  }
  const table = new Uint8Array(768 * 256);
  for (let entry = 0; entry < 768; entry++) {
    if (brightest[entry] < 0) continue;
    for (let sample = 0; sample <= brightest[entry]; sample++) {
      const mixed = Math.fround(heat[entry] + shade[sample]);
      table[256 * entry + sample] = truncatedByte(Math.fround(Math.fround(255 * mixed) / maximum));
    }
  }
  forEachRow(part, width, (start, end) => {
    for (let i = start; i < end; i++) {
      if (levels[i] < lowestLevel) continue;
      const entry = 768 * levels[i], at = 4 * i;
      target[at] = table[entry + source[at]];
      target[at + 1] = table[entry + 256 + source[at + 1]];
      target[at + 2] = table[entry + 512 + source[at + 2]];
    }
  });
}

/** The colours of the levels alone; grey below `lowestLevel`. */
function paintHeat(target, levels, part, width, colors, lowestLevel) {
  forEachRow(part, width, (start, end) => {
    for (let i = start; i < end; i++) {
      const shown = levels[i] >= lowestLevel, entry = 3 * levels[i];
      for (let channel = 0; channel < 3; channel++) target[4 * i + channel] = shown ? colors[entry + channel] : 128;
    }
  });
}

/** The picture darkened to black where the map is 0. */
function paintMask(target, source, values, part, width, threshold) {
  forEachRow(part, width, (start, end) => {
    for (let i = start; i < end; i++) {
      const weight = values[i] >= threshold && values[i] > 0 ? Math.min(values[i], 1) : 0;
      for (let channel = 0; channel < 3; channel++) {
        target[4 * i + channel] = truncatedByte(Math.fround(Math.fround(source[4 * i + channel] * weight) + 0.5));
      }
    }
  });
}

/** Colours of what speaks for the target and of what speaks against it. */
export const poles = { positive: [202, 74, 22], negative: [22, 98, 190] };

/** Values of −1…1 in two colours over the picture (or over `ground`, a grey, if there is no picture). */
function paintSigned(target, source, values, largest, part, width, strength, threshold, ground) {
  forEachRow(part, width, (start, end) => {
    for (let i = start; i < end; i++) {
      const value = values[i] / largest, size = Math.min(Math.abs(value), 1);
      const share = size >= threshold ? size * strength : 0;
      const pole = value > 0 ? poles.positive : poles.negative;
      for (let channel = 0; channel < 3; channel++) {
        const below = ground ?? source[4 * i + channel];
        target[4 * i + channel] = below + (pole[channel] - below) * share;
      }
    }
  });
}

/** A thin white frame around a part, on the sides where there is room outside of it. */
function drawFrame(data, width, height, part) {
  const thickness = Math.max(1, Math.trunc(Math.min(width, height) / 250));
  const [x, y, partWidth, partHeight] = part;
  const left = Math.max(0, x - thickness), right = Math.min(width, x + partWidth + thickness);
  const fill = (row, from, to) => data.fill(255, 4 * (row * width + from), 4 * (row * width + to));
  for (let row = Math.max(0, y - thickness); row < Math.min(height, y + partHeight + thickness); row++) {
    if (row >= y && row < y + partHeight) {
      fill(row, left, x);
      fill(row, x + partWidth, right);
    } else fill(row, left, right);
  }
}

/** Two pictures of the same size side by side. */
function beside(left, right, width, height) {
  const both = new Uint8ClampedArray(8 * width * height);
  for (let row = 0; row < height; row++) {
    both.set(left.subarray(4 * row * width, 4 * (row + 1) * width), 8 * row * width);
    both.set(right.subarray(4 * row * width, 4 * (row + 1) * width), 8 * row * width + 4 * width);
  }
  return both;
}

/**
 * Draws a map over a picture, equal to `gradcam explain` where `threshold` is 0, `signed` being --signed; of maps of single
 * pixels, that draws the few largest values alike.
 *
 * `settings` is {style, colors (768 bytes), blend, threshold, signed}. Returns the picture drawn, twice as wide for
 * the style side-by-side; `values`, the map at the picture's size before it is brought to 0…1, and `scale`, what brings
 * it there; and `seen`, the part of the picture that the network sees, null for all of it.
 */
export function drawMap(picture, map, geometry, settings) {
  const { width, height } = picture, source = picture.data;
  const { style, colors, blend, threshold, signed } = settings;
  const input = signed ? map.values : rescaled(drawnValues(map));
  const { values, seen } = project(map, input, geometry, width, height);
  const part = seen ?? [0, 0, width, height];
  const isHeat = style === "heat";
  let data = new Uint8ClampedArray(source);
  if (isHeat) for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 ? 255 : 128;

  let scale;
  if (signed) {
    let largest = 0;
    for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]) || 0);
    scale = { lowest: 0, range: largest || 1 };
    const strength = isHeat || style === "mask" ? 1 : 1 - blend * blend;
    paintSigned(data, source, values, scale.range, part, width, strength, threshold, isHeat ? 244 : null);
  } else {
    scale = rescaling(values);
    if (style === "mask") {
      const shares = new Float32Array(values.length);
      for (let i = 0; i < shares.length; i++) shares[i] = Math.fround(values[i] - scale.lowest) / scale.range;
      paintMask(data, source, shares, part, width, threshold);
    } else {
      const levels = levelsOf(values, scale), lowestLevel = Math.ceil(255 * threshold);
      if (isHeat) paintHeat(data, levels, part, width, colors, lowestLevel);
      else paintOverlay(data, source, levels, part, width, colors, blend, lowestLevel);
    }
  }
  if (seen) drawFrame(data, width, height, seen);
  if (style === "side-by-side") data = beside(source, data, width, height);
  return { width: style === "side-by-side" ? 2 * width : width, height, data, values, scale, seen };
}
