// Pointers and wheels that move and enlarge what an element shows.

/** How much a turn of the wheel enlarges. */
function wheelFactor(event) {
  const step = event.deltaMode === 1 ? 30 : 1;
  return Math.exp(-Math.max(-200, Math.min(200, event.deltaY * step)) * (event.ctrlKey ? 0.01 : 0.0022));
}

/**
 * Calls `pan(dx, dy)` and `zoom(factor, x, y)`, places counted from the element's corner, for drags, wheels and two fingers.
 *
 * `wheelZooms` says whether a wheel enlarges without Control held; else it pans. `starts(event)` returns false where a drag
 * is not for this. A drag of more than 4 pixels swallows the click that ends it.
 */
export function listenForGestures(element, { pan, zoom, wheelZooms = false, starts = () => true }) {
  const pointers = new Map();
  let moved = 0;
  const place = (event) => {
    const frame = element.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
  };

  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = place(event);
    if (wheelZooms || event.ctrlKey || event.metaKey) zoom(wheelFactor(event), x, y);
    else {
      const step = event.deltaMode === 1 ? 30 : 1;
      const [dx, dy] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      pan(-dx * step, -dy * step);
    }
  }, { passive: false });

  element.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || !starts(event)) return;
    if (pointers.size === 0) moved = 0;
    pointers.set(event.pointerId, place(event));
  });
  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    if (pointers.size === 2) {
      const old = spread();
      pointers.set(event.pointerId, now);
      const fresh = spread();
      pan(fresh.x - old.x, fresh.y - old.y);
      if (old.distance > 0) zoom(fresh.distance / old.distance, fresh.x, fresh.y);
      moved = 10;
      return;
    }
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    pointers.set(event.pointerId, now);
    if (moved <= 4) return;
    if (!element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId);
    element.classList.add("dragging");
    pan(now.x - before.x, now.y - before.y);
  });
  const end = (event) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) element.classList.remove("dragging");
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("click", (event) => {
    if (moved > 4) event.stopPropagation();
    moved = 0;
  }, { capture: true });
}
