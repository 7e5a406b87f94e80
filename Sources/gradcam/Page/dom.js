// Elements made by script.

/** The element of the page with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * An element. In `attributes`, `class`, `text` and functions for events (`onclick`) are set as such, true is an attribute
 * without a value, and null or false none.
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** An element of SVG. */
export function makeSVG(tag, attributes = {}, ...children) {
  const element = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const iconPaths = {
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  fit: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
  chevron: "M4 6l4 4 4-4",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  image: "M2.5 3.5h11v9h-11zM3 11l3-3 2.5 2.5L11 7.5l2.5 3",
  camera: "M2.5 5.5h2.2L6 4h4l1.3 1.5h2.2v7h-11zM8 11a2 2 0 100-4 2 2 0 000 4z",
  save: "M8 2.5v7.5M5 7.2L8 10l3-2.8M3 13h10",
  target: "M8 13A5 5 0 108 3a5 5 0 000 10zM8 1v4M8 11v4M1 8h4M11 8h4",
  open: "M4 4l4 4 4-4M4 9l4 4 4-4",
  shut: "M4 7l4-4 4 4M4 12l4-4 4 4",
};

/** A small line drawing that stands beside or for a label. */
export function icon(name) {
  const path = makeSVG("path", { d: iconPaths[name] });
  return makeSVG("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}

/** A button with a drawing and a name for screen readers and pointers. */
export function iconButton(name, label, onclick, attributes = {}) {
  const names = { "aria-label": label, title: label };
  return make("button", { type: "button", class: "quiet square", ...names, onclick, ...attributes }, icon(name));
}

/** A button with a text. */
export function textButton(text, onclick, attributes = {}) {
  return make("button", { type: "button", text, onclick, ...attributes });
}

/** A quiet sentence. */
export function remark(text) {
  return make("p", { class: "quiet-text", text });
}

/** Replaces what an element contains. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

const filled = new WeakMap();

/**
 * Fills an element with what `build()` returns, unless `parts` are those of the last time. The focus stays at its place
 * in the order of controls.
 */
export function refill(element, parts, build) {
  const last = filled.get(element);
  if (last && last.length === parts.length && parts.every((part, i) => Object.is(part, last[i]))) return;
  filled.set(element, parts);
  const controls = () => [...element.querySelectorAll("button, input, select, a")];
  const held = element.contains(document.activeElement) ? controls().indexOf(document.activeElement) : -1;
  fill(element, build());
  if (held >= 0) {
    const now = controls();
    now[Math.min(held, now.length - 1)]?.focus({ preventScroll: true });
  }
}

/** A number of at most four digits, for people. */
export function shortNumber(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(4)));
  return value.toExponential(2).replace("e", "·10^").replace("+", "");
}

/** A share as a percentage: 62 %, 0.3 %, < 0.1 %. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value >= 9.95 || value === 0 ? Math.round(value) : value.toFixed(1)} %`;
}

/** Saves bytes or a blob as a file of the browser's downloads. */
export function saveFile(content, name, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Whether a key was pressed where text is typed. */
export function isTyping(event) {
  const { target } = event;
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)
    || (target.tagName === "INPUT" && !["checkbox", "radio", "range", "button"].includes(target.type));
}
