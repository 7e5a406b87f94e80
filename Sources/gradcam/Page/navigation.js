import { parentsOf } from "./grid.js";

// Finding one's way in the graph: which box stands for a node, and which comes next in a direction.

/** The groups around a node or group, from the innermost to the root. */
export function ancestorsOf(key, parents) {
  const result = [];
  for (let id = parents.get(key); id !== undefined; id = parents.get(`g${id}`)) result.push(id);
  return result;
}

/** The key of the box that shows a node: its own, or that of the outermost closed group around it. */
export function shownBox(node, parents, opened) {
  let key = `n${node}`;
  for (const id of ancestorsOf(key, parents)) if (!opened.has(id)) key = `g${id}`;
  return key;
}

/** The indices of the nodes in a group, those of its groups among them. */
function nodesIn(model, group) {
  return model.groups[group].cells.flatMap((cell) =>
    cell.node !== undefined ? [cell.node] : cell.group !== undefined ? nodesIn(model, cell.group) : []);
}

/** The centre of a box. */
function center(box) {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/**
 * The box that an arrow key leads to, or null: "down" to one that reads this one's output, "up" to one that it reads,
 * "left" and "right" to the nearest in the same row of the same group. From an open group, "down" leads into it.
 */
export function boxTowards(direction, box, layout, model, opened, parents = parentsOf(model)) {
  const others = layout.boxes.filter((other) => other !== box);
  const here = center(box);
  const nearest = (candidates, distance) =>
    candidates.reduce((best, other) => (!best || distance(other) < distance(best) ? other : best), null);
  if (direction === "left" || direction === "right") {
    const sign = direction === "left" ? -1 : 1;
    const beside = others.filter((other) =>
      other.parent === box.parent && other.y < box.y + box.height && box.y < other.y + other.height
      && sign * (center(other).x - here.x) > 0);
    return nearest(beside, (other) => Math.abs(center(other).x - here.x));
  }
  if (box.open && direction === "down") {
    return nearest(others.filter((other) => other.parent === box.group), (other) => other.y);
  }
  const indices = new Set(box.node !== undefined ? [box.node] : nodesIn(model, box.group));
  const byIndex = new Map(model.nodes.map((node) => [node.index, node]));
  const keys = new Set();
  for (const index of indices) {
    const node = byIndex.get(index);
    for (const next of direction === "down" ? node.outputs : node.inputs) {
      if (!indices.has(next)) keys.add(shownBox(next, parents, opened));
    }
  }
  const next = others.filter((other) => keys.has(other.key));
  if (next.length === 0 && direction === "up" && box.parent !== 0) {
    return others.find((other) => other.group === box.parent) ?? null;
  }
  return nearest(next, (other) => Math.abs(center(other).y - here.y) + Math.abs(center(other).x - here.x) / 4);
}

/** The nodes that all words of a query name, by title, name, module, operator, tensor, shape or index; best first. */
export function searchNodes(model, query, limit = 60) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found = [];
  for (const node of model.nodes) {
    const shape = node.shape ? node.shape.join("×") : "";
    const names = [node.query, node.module ?? "", node.name, node.operator, node.title, node.tensor]
      .map((name) => name.toLowerCase());
    const text = [...names, shape, shape.replaceAll("×", "x"), `#${node.index}`].join(" ");
    if (!words.every((word) => text.includes(word))) continue;
    const whole = names.includes(words.join(" ")) || `#${node.index}` === words[0] ? 4 : 0;
    const ends = names.some((name) => name.endsWith(words.at(-1))) ? 1 : 0;
    found.push({ node, rank: whole + ends + (node.mappable ? 0.5 : 0) });
  }
  return found.sort((a, b) => b.rank - a.rank || a.node.index - b.node.index).slice(0, limit).map((entry) => entry.node);
}

/**
 * The node of `model` at the same share of its depth as a node of another model, among those that have maps; for the
 * one that a model shows by itself, the one that the other shows so.
 */
export function nodeAtLikeDepth(index, other, model) {
  if (index === other.auto && typeof model.auto === "number") return model.auto;
  const from = other.nodes.filter((node) => node.mappable), to = model.nodes.filter((node) => node.mappable);
  const position = from.findIndex((node) => node.index === index);
  if (position < 0 || to.length === 0) return null;
  const share = from.length > 1 ? position / (from.length - 1) : 1;
  return to[Math.round(share * (to.length - 1))].index;
}
