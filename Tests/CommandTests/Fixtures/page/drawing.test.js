{
  const { width, height, map, whole, part, ...pictures } = drawingNumbers;
  const rgba = (samples) => {
    const data = new Uint8ClampedArray(samples.length / 3 * 4).fill(255);
    samples.forEach((sample, i) => { data[Math.floor(i / 3) * 4 + i % 3] = sample; });
    return data;
  };
  const picture = { width, height, data: rgba(pictures.picture) };
  const values = Float32Array.from(map.values);
  const rectified = { ...map, values, rectified: true };
  const all = { resized: [14, 10], crop: [0, 0, 14, 10] }, cropped = { resized: [14, 10], crop: [3, 2, 8, 6] };
  const settings = { style: "overlay", colors: Uint8Array.from(pictures.colors), blend: 0.3, threshold: 0, signed: false };

  test("a map is laid over a picture in 32-bit floats", () => {
    const projected = project(map, rescaled(drawnValues(rectified)), all, width, height);
    equal(projected.values, Float32Array.from(whole));
    equal(projected.seen, null);
  });

  test("the overlay, the heat and the mask have NumPy's bytes", () => {
    equal(drawMap(picture, rectified, all, settings).data, rgba(pictures.overlay));
    equal(drawMap(picture, rectified, all, { ...settings, style: "heat" }).data, rgba(pictures.heat));
    equal(drawMap(picture, rectified, all, { ...settings, style: "mask" }).data, rgba(pictures.mask));
  });

  test("what the network does not see stays as it is, outside of a frame", () => {
    const drawn = drawMap(picture, rectified, cropped, settings);
    equal(drawn.seen, part);
    equal(drawn.data, rgba(pictures.partOverlay));
  });

  test("side by side, the picture is on the left", () => {
    const drawn = drawMap(picture, rectified, all, { ...settings, style: "side-by-side" });
    equal([drawn.width, drawn.height], [2 * width, height]);
    const overlay = rgba(pictures.overlay), row = 4 * width;
    equal(drawn.data.slice(2 * row, 3 * row), picture.data.slice(row, 2 * row));
    equal(drawn.data.slice(3 * row, 4 * row), overlay.slice(row, 2 * row));
  });

  test("a region of the input is a smaller crop", () => {
    const region = { ...map, region: [0.25, 0.5, 0.5, 0.5] };
    const direct = project(map, values, { resized: [14, 10], crop: [5, 5, 4, 3] }, width, height);
    equal(project(region, values, { resized: [14, 10], crop: [3, 2, 8, 6] }, width, height), direct);
  });

  test("heat below the threshold leaves the picture as it is", () => {
    const drawn = drawMap(picture, rectified, all, { ...settings, threshold: 0.5 });
    const levels = levelsOf(drawn.values, drawn.scale), overlay = rgba(pictures.overlay);
    equal([...levels].some((level) => level < 127) && [...levels].some((level) => level > 129), true);
    levels.forEach((level, i) => equal(drawn.data.slice(4 * i, 4 * i + 4), (level >= 128 ? overlay : picture.data).slice(4 * i, 4 * i + 4)));
  });

  test("with both signs, positive values are warm and negative ones cold", () => {
    const grey = { width: 2, height: 1, data: Uint8ClampedArray.from([99, 99, 99, 255, 99, 99, 99, 255]) };
    const signed = { width: 2, height: 1, values: Float32Array.from([2, -1]), rectified: true };
    const { data } = drawMap(grey, signed, { resized: [2, 1], crop: [0, 0, 2, 1] }, { ...settings, signed: true, blend: 0 });
    equal([...data.slice(0, 3)], poles.positive);
    equal(data[6] > 99 && data[4] < 99, true);
  });

  test("NaN and an even map draw as nothing", () => {
    const even = { width: 1, height: 1, values: Float32Array.from([NaN]), rectified: true };
    const drawn = drawMap(picture, even, all, { ...settings, style: "mask" });
    equal([...drawn.data].filter((sample, i) => i % 4 < 3 && sample !== 0), []);
  });

  test("the enlarged map of a box keeps its extremes", () => {
    const levels = thumbnailLevels({ width: 2, height: 1, values: Float32Array.from([-1, 3]), rectified: true }, 4);
    equal([levels[0], levels[3], levels[12], levels[15]], [0, 255, 0, 255]);
  });
}
