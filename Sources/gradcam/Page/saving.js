import { base64OfBytes, npyBytes } from "./arrays.js";
import { commandFor, commandLimits, fileStem, stemOf } from "./command.js";
import { saveFile } from "./dom.js";
import { drawnValues } from "./projection.js";
import { drawnBoxes } from "./stage.js";

// Taking along what is seen: the command, pictures, numbers, and the page as one file.

/** The name of files of what the active view shows, a channel or the map, without an extension. */
function seenStem(session, channel = session.channel) {
  const image = session.imageDocument;
  const { model, method } = session.view;
  const how = channel ? channel.title.replace(",", "") : method, node = session.node()?.query;
  return fileStem({ image: image ? stemOf(pathOrName(image)) : null, model, node, method: how });
}

function pathOrName(image) { return image.path ?? image.name ?? "picture"; }

/** The command that makes the active view's picture, and what it cannot do of it. */
export function seenCommand(session) {
  const { view, settings, model } = session;
  const document = session.state().explanation?.document;
  const command = commandFor({
    argument: model.argument, options: model.options ?? [], columns: model.columns ?? [],
    image: session.imageDocument, images: session.images,
    node: session.node()?.query, method: view.method, target: view.target ?? {},
    shownClass: document?.target.class ?? null, settings, output: seenStem(session, null),
  });
  return { command, limits: commandLimits(settings, view.target ?? {}, session.channel) };
}

/** Draws a detector's boxes into a picture, as the page shows them over it. */
function drawBoxes(context, boxes) {
  const { width, height } = context.canvas, unit = Math.max(1, Math.min(width, height) / 400);
  context.lineJoin = "round";
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  for (const { text, explained, x, y, isInside, corners } of drawnBoxes(boxes, height)) {
    const color = explained ? "#ff9a66" : "#ffffff", path = new Path2D();
    for (const corner of corners) path.lineTo(...corner);
    path.closePath();
    for (const [stroke, thickness] of [["#00000080", 4], [color, explained ? 3 : 2]]) {
      Object.assign(context, { strokeStyle: stroke, lineWidth: thickness * unit });
      context.stroke(path);
    }
    const [right, down] = isInside ? [5, 14] : [0, -5], place = [x + right * unit, y + down * unit];
    Object.assign(context, { strokeStyle: "#000000c0", lineWidth: 3 * unit, fillStyle: color });
    context.strokeText(text, ...place);
    context.fillText(text, ...place);
  }
}

/** Saves the picture as it is seen, with a detector's boxes, at its full size. */
export async function savePNG(session, pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height), context = canvas.getContext("2d");
  context.putImageData(pixels, 0, 0);
  drawBoxes(context, session.state().explanation?.document.boxes ?? []);
  saveFile(await canvas.convertToBlob({ type: "image/png" }), `${seenStem(session)}.png`);
}

/** The map that the active view shows: the chosen channel's, else the node's. */
function seenMap(session) { return session.channel?.map ?? session.state().map; }

/** Saves the map as `--save-map` does: 32-bit floats, before it is brought to 0…1. */
export function saveNPY(session) {
  const map = seenMap(session);
  saveFile(npyBytes(drawnValues(map), [map.height, map.width]), `${seenStem(session)}.npy`, "application/octet-stream");
}

/** Saves what is seen with its numbers. */
export function saveJSON(session) {
  const { view, settings } = session, map = seenMap(session), node = session.node();
  const { maps, ...rest } = session.state().explanation?.document ?? { maps: [] };
  const values = drawnValues(map);
  const rows = Array.from({ length: map.height }, (_, row) => [...values.subarray(row * map.width, (row + 1) * map.width)]);
  const { id, ...image } = session.imageDocument ?? {};
  const content = {
    model: view.model, image,
    node: node && { index: node.index, name: node.name, query: node.query, operator: node.operator, shape: node.shape },
    method: view.method, asked: view.target, ...rest, drawing: settings, channel: session.channel?.title ?? null, map: rows,
    command: seenCommand(session).command,
  };
  saveFile(JSON.stringify(content, null, 1), `${seenStem(session)}.json`, "application/json");
}

/** The page with what it holds as one file. */
export async function pageWithData(session) {
  const explanations = [];
  // Models may be called anything, __proto__ as well.
  const images = {}, models = new Map();
  for (const held of session.explanations.held()) {
    if (!session.images.some((image) => image.id === held.image) || !session.models.has(held.model)) continue;
    explanations.push({ ...held, explanation: held.explanation.complete() });
    const { byIndex, ...model } = session.models.get(held.model);
    models.set(held.model, model);
    const document = session.images.find((image) => image.id === held.image);
    const blob = session.pictures.get(held.image)?.blob ?? await session.source.picture(held.image);
    images[held.image] = { ...document, png: base64OfBytes(new Uint8Array(await blob.arrayBuffer())) };
  }
  const about = {
    ...session.about, models: [...models.keys()], images: session.images.filter((image) => images[image.id]),
  };
  const data = { about, models: Object.fromEntries(models), images, explanations, view: session.address };
  // The text of a script element must not contain what ends it.
  const text = JSON.stringify(data).replaceAll("<", "\\u003c");
  const page = await session.source.page();
  const mark = '<script type="application/json" id="data">';
  const start = page.indexOf(mark) + mark.length, end = page.indexOf("<\/script>", start);
  return new Blob([page.slice(0, start), text, page.slice(end)], { type: "text/html" });
}

/** Saves the page with what it holds as one file. */
export async function savePage(session) {
  saveFile(await pageWithData(session), `${seenStem(session)}.html`);
}
