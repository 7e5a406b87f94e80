// Maps of numbers: brought to 0…1 and laid over a picture, in the arithmetic of 32-bit floats of `gradcam explain`.
// A map is {width, height, values, region?, rectified?}; a geometry {resized: [w, h], crop: [x, y, w, h]}.

const smallestNormal = Math.fround(1.17549435e-38);
const epsilon = Math.fround(1e-7);

/** The values as a method's result is drawn: negative ones and NaN count as 0 where the map says so. */
export function drawnValues(map) {
  if (!map.rectified) return map.values;
  const values = new Float32Array(map.values.length);
  for (let i = 0; i < values.length; i++) values[i] = map.values[i] > 0 ? map.values[i] : 0;
  return values;
}

/** The least value and the divisor that bring values to 0…1; NaN is ignored. */
export function rescaling(values) {
  let lowest = Infinity, highest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const range = Math.max(Math.fround(epsilon + Math.fround(highest - lowest)), smallestNormal);
  return { lowest, range };
}

/** Values brought to 0…1: the least subtracted, then divided by the range plus 10⁻⁷. */
export function rescaled(values) {
  const { lowest, range } = rescaling(values);
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = Math.fround(values[i] - lowest) / range;
  return result;
}

/**
 * For each pixel of one axis of the picture: the two positions of the map that it lies between, and how far; and the
 * pixels that both the map, from `cropStart` on, and the network's input, from `inputStart` on, cover.
 */
function linearTaps(
  mapCount, originalCount, resizedCount, cropStart, cropCount, inputStart = cropStart, inputCount = cropCount) {
  const scale = 1 / (originalCount / resizedCount), mapScale = mapCount / cropCount;
  const lower = new Int32Array(originalCount), upper = new Int32Array(originalCount);
  const fraction = new Float32Array(originalCount);
  const first = Math.max(0, inputStart - cropStart), last = Math.min(cropCount, inputStart - cropStart + inputCount);
  let start = originalCount, end = originalCount;
  for (let i = 0; i < originalCount; i++) {
    const position = (i + 0.5) * scale - cropStart;
    if (start === originalCount && position >= first) start = i;
    if (start < originalCount && end === originalCount && position >= Math.max(0, last)) end = i;
    const center = Math.min(Math.max(position * mapScale - 0.5, 0), mapCount - 1);
    lower[i] = Math.trunc(center);
    upper[i] = Math.min(lower[i] + 1, mapCount - 1);
    fraction[i] = center - Math.floor(center);
  }
  return { lower, upper, fraction, start, end };
}

/** As Swift rounds: halves away from zero. */
function roundedAway(value) {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/**
 * A map over the network's input laid over the picture, `width` times `height`, between the map's centres.
 *
 * Returns the values, 0 where the map does not reach, and `seen`, the part [x, y, width, height] that it covers, or null
 * if that is all of the picture or nothing.
 */
export function project(map, values, geometry, width, height) {
  const [cropX, cropY, cropWidth, cropHeight] = geometry.crop;
  const [x, y, shareX, shareY] = map.region ?? [0, 0, 1, 1];
  const [left, top] = [cropX + roundedAway(x * cropWidth), cropY + roundedAway(y * cropHeight)];
  const [across, down] = [Math.max(1, roundedAway(shareX * cropWidth)), Math.max(1, roundedAway(shareY * cropHeight))];
  const columns = linearTaps(map.width, width, geometry.resized[0], left, across, cropX, cropWidth);
  const rows = linearTaps(map.height, height, geometry.resized[1], top, down, cropY, cropHeight);

  const widened = new Float32Array(width * map.height);
  for (let row = 0; row < map.height; row++) {
    const from = row * map.width, to = row * width;
    for (let column = columns.start; column < columns.end; column++) {
      const first = values[from + columns.lower[column]], second = values[from + columns.upper[column]];
      widened[to + column] = Math.fround(second - first) * columns.fraction[column] + first;
    }
  }
  const result = new Float32Array(width * height);
  for (let row = rows.start; row < rows.end; row++) {
    const above = rows.lower[row] * width, below = rows.upper[row] * width, to = row * width;
    const fraction = rows.fraction[row];
    for (let column = 0; column < width; column++) {
      const first = widened[above + column];
      result[to + column] = Math.fround(widened[below + column] - first) * fraction + first;
    }
  }
  const covered = [columns.start, rows.start, columns.end - columns.start, rows.end - rows.start];
  const isPart = (covered[2] !== width || covered[3] !== height) && covered[2] > 0 && covered[3] > 0;
  return { values: result, seen: isPart ? covered : null };
}

/** A map at a small size for a box of the graph: `side` times `side` levels of 0…255, between the map's centres. */
export function thumbnailLevels(map, side) {
  const values = drawnValues(map), { lowest, range } = rescaling(values);
  const columns = linearTaps(map.width, side, side, 0, side), rows = linearTaps(map.height, side, side, 0, side);
  const levels = new Uint8Array(side * side);
  for (let row = 0; row < side; row++) {
    const above = rows.lower[row] * map.width, below = rows.upper[row] * map.width;
    for (let column = 0; column < side; column++) {
      const left = columns.lower[column], right = columns.upper[column], across = columns.fraction[column];
      const first = values[above + left] + (values[above + right] - values[above + left]) * across;
      const second = values[below + left] + (values[below + right] - values[below + left]) * across;
      const level = 255 * (first + (second - first) * rows.fraction[row] - lowest) / range;
      levels[row * side + column] = level > 0 ? Math.min(level, 255) : 0;
    }
  }
  return levels;
}
