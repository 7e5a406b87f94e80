// The arithmetic of the graph's grids: where boxes and edges lie, given which groups are open.

/** Sizes in pixels at scale 1. */
const sizes = {
  box: { width: 196, height: 54 }, plain: { width: 196, height: 34 },
  title: 34, padding: 16, rowGap: 30, columnGap: 28, lane: 11,
};

/** The name of a box: "n12" for node 12, "g3" for group 3. */
function keyOf(cell) {
  return cell.node !== undefined ? `n${cell.node}` : `g${cell.group}`;
}

/** For each group and node of a model, the group that it lies in: a map from "n12" or "g3" to the group's id. */
export function parentsOf(model) {
  const parents = new Map();
  for (const group of model.groups) {
    for (const cell of group.cells) if (!cell.port) parents.set(keyOf(cell), group.id);
  }
  return parents;
}

/** The number of boxes that a group shows when it is opened. */
function boxCount(group) {
  return group.cells.filter((cell) => !cell.port).length;
}

/**
 * The groups open at first, the root among them: while fewer than 6 boxes are shown, or opening the smallest closed
 * group keeps them at 14 or fewer, that group is opened.
 */
export function openedAtFirst(model) {
  const opened = new Set([0]);
  const closed = (group) => group.cells.filter((cell) => cell.group !== undefined).map((cell) => model.groups[cell.group]);
  let shown = boxCount(model.groups[0]), candidates = closed(model.groups[0]);
  while (candidates.length) {
    const smallest = candidates.reduce((best, group) => (boxCount(group) < boxCount(best) ? group : best));
    const after = shown - 1 + boxCount(smallest);
    if (shown >= 6 && after > 14) break;
    opened.add(smallest.id);
    candidates = [...candidates.filter((group) => group !== smallest), ...closed(smallest)];
    shown = after;
  }
  return opened;
}

/** The running sums of lengths with gaps: where each starts, and where the last ends. */
function starts(lengths, gap, first) {
  const result = [];
  let at = first;
  for (const length of lengths) {
    result.push(at);
    at += length + gap;
  }
  return { starts: result, end: lengths.length ? at - gap : first };
}

/** Sizes of cells, rows and columns of a group and of the open groups in it, by the group's id. */
function measure(model, opened, mappable, id, measured) {
  const group = model.groups[id];
  const cells = group.cells.map((cell) => {
    if (cell.port) return { width: 0, height: 0 };
    if (cell.node !== undefined) return mappable.has(cell.node) ? sizes.box : sizes.plain;
    return opened.has(cell.group) ? measure(model, opened, mappable, cell.group, measured) : sizes.box;
  });
  const widths = new Array(group.columns).fill(0), heights = new Array(group.rows).fill(0);
  group.cells.forEach((cell, index) => {
    widths[cell.column] = Math.max(widths[cell.column], cells[index].width);
    heights[cell.row] = Math.max(heights[cell.row], cells[index].height);
  });
  const inset = id === 0 ? 0 : sizes.padding, top = id === 0 ? 0 : sizes.title + sizes.padding / 2;
  const columns = [], lanes = [];
  let x = inset;
  widths.forEach((width, column) => {
    if (column > 0) x += sizes.columnGap;
    const count = group.gutters[column] ?? 0;
    lanes.push(x);
    x += count * sizes.lane;
    columns.push(x);
    x += width;
  });
  const rows = starts(heights, sizes.rowGap, top);
  const size = { width: x + inset, height: rows.end + (id === 0 ? 0 : sizes.padding) };
  measured.set(id, { cells, widths, heights, columns, lanes, rows: rows.starts, size });
  return size;
}

/** A line that goes down through points, bending only between those of different columns. */
function pathThrough(points) {
  let path = `M${points[0][0]} ${points[0][1]}`;
  for (let i = 1; i < points.length; i++) {
    const [x, y] = points[i - 1], [toX, toY] = points[i];
    if (x === toX) path += `V${toY}`;
    else {
      const middle = (y + toY) / 2;
      path += `C${x} ${middle} ${toX} ${middle} ${toX} ${toY}`;
    }
  }
  return path;
}

/**
 * Lays out a model's boxes and edges.
 *
 * Returns the whole `width` and `height`; `boxes`, from outer to inner: {key, node or group, x, y, width, height, open,
 * parent}; and `edges`: {from, to (keys, null for a port), path}.
 */
export function layOut(model, opened) {
  const mappable = new Set(model.nodes.filter((node) => node.mappable).map((node) => node.index));
  const measured = new Map(), boxes = [], edges = [];
  const size = measure(model, opened, mappable, 0, measured);

  /** Where an open group's port lies, counted from the group's left edge. */
  const portX = (id, port) => {
    const group = model.groups[id], { columns, widths, size } = measured.get(id);
    const cell = group.cells.find((cell) => cell.port === port);
    return cell ? columns[cell.column] + widths[cell.column] / 2 : size.width / 2;
  };

  const place = (id, left, top) => {
    const group = model.groups[id], { cells, widths, heights, columns, lanes, rows, size } = measured.get(id);
    const anchors = group.cells.map((cell, index) => {
      const center = left + columns[cell.column] + widths[cell.column] / 2;
      if (cell.port) {
        const y = cell.port === "in" ? top + (id === 0 ? 0 : sizes.title) : top + size.height;
        return { x: center, inX: center, outX: center, top: y, bottom: y, row: cell.row };
      }
      const { width, height } = cells[index], x = center - width / 2, y = top + rows[cell.row];
      const open = cell.group !== undefined && opened.has(cell.group);
      boxes.push({ key: keyOf(cell), node: cell.node, group: cell.group, x, y, width, height, open, parent: id });
      if (open) place(cell.group, x, y);
      return {
        key: keyOf(cell), row: cell.row, top: y, bottom: y + height,
        inX: open ? x + portX(cell.group, "in") : center, outX: open ? x + portX(cell.group, "out") : center,
      };
    });
    for (const edge of group.edges) {
      const from = anchors[edge.from], to = anchors[edge.to];
      const points = [[from.outX, from.bottom]];
      const rowEnd = (row) => top + rows[row] + heights[row], rowStart = (row) => top + rows[row];
      const leave = Math.max(from.bottom, from.key ? rowEnd(from.row) : from.bottom);
      const { route } = edge;
      if (route) {
        const x = route.gutter
          ? left + lanes[route.gutter[0]] + (route.gutter[1] + 0.5) * sizes.lane
          : left + columns[route.column] + widths[route.column] / 2;
        const first = route.first > from.row ? rowStart(route.first) : leave + sizes.rowGap;
        const last = route.last < to.row ? rowEnd(route.last) : to.top - sizes.rowGap;
        if (leave > from.bottom) points.push([from.outX, leave]);
        if (last > first) points.push([x, first], [x, last]);
        else points.push([x, (leave + to.top) / 2]);
      } else {
        if (leave > from.bottom && leave < to.top) points.push([from.outX, leave]);
        // A line over several rows bends in the last gap, so that it does not cross what stands beside it.
        const bend = to.top - sizes.rowGap;
        if (bend > leave + 1 && from.outX !== to.inX) points.push([from.outX, bend]);
      }
      points.push([to.inX, to.top]);
      edges.push({ from: from.key ?? null, to: to.key ?? null, path: pathThrough(points) });
    }
  };
  place(0, 0, 0);
  boxes.sort((a, b) => (a.open === b.open ? 0 : a.open ? -1 : 1));
  return { ...size, boxes, edges };
}
