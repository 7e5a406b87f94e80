import { fill, make } from "./dom.js";

let comboboxCount = 0;

/**
 * A field that offers a list of what fits its text.
 *
 * `items(query)` returns a list of {label, detail, value}; `choose(value, label)` is called with the one taken. Returns
 * {element, input, clear()}.
 */
export function makeCombobox({ label, placeholder, items, choose, keepsText = false, empty = "Nothing fits." }) {
  const id = `list-${++comboboxCount}`;
  let shown = [], active = -1;
  const list = make("ul", { class: "options", role: "listbox", id, "aria-label": label, hidden: true });
  const input = make("input", {
    type: "text", role: "combobox", "aria-label": label, "aria-expanded": "false", "aria-controls": id,
    "aria-autocomplete": "list", placeholder, autocomplete: "off", spellcheck: "false",
  });
  const element = make("div", { class: "combobox" }, input, list);

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    active = index;
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    if (index >= 0) {
      input.setAttribute("aria-activedescendant", `${id}-${index}`);
      list.children[index].scrollIntoView({ block: "nearest" });
    }
  };
  const take = (index) => {
    const item = shown[index];
    if (!item) return;
    input.value = keepsText ? item.label : "";
    close();
    choose(item.value, item.label);
  };
  const open = () => {
    const query = input.value.trim();
    shown = items(query);
    const options = shown.map((item, index) => make("li", {
      role: "option", id: `${id}-${index}`, "aria-selected": "false",
      onpointerdown: (event) => event.preventDefault(), onclick: () => take(index),
    }, make("span", { class: "title", text: item.label }), make("span", { class: "detail", text: item.detail ?? "" })));
    fill(list, options.length ? options : query ? [make("li", { class: "none", text: empty })] : []);
    list.hidden = list.childElementCount === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark(shown.length && query ? 0 : -1);
  };

  input.addEventListener("input", open);
  input.addEventListener("focus", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      if (list.hidden) open();
      else if (shown.length) mark((active + step + shown.length) % shown.length);
    } else if (event.key === "Enter") take(Math.max(active, 0));
    else if (event.key === "Escape") {
      if (list.hidden) input.blur();
      close();
    } else return;
    event.preventDefault();
  });
  return { element, input, clear: () => { input.value = ""; } };
}

/** The classes of a model that fit a query, by label or number, best first: items for a combobox. */
export function classItems(model, query, limit = 50) {
  const text = query.toLowerCase(), count = model.classCount ?? model.classes?.length ?? 0;
  const starting = [], containing = [];
  for (let index = 0; index < count && starting.length < limit; index++) {
    const label = model.classes?.[index] ?? `class ${index}`, lower = label.toLowerCase();
    const item = { label, detail: String(index), value: index };
    if (lower.startsWith(text) || String(index) === text) starting.push(item);
    else if (lower.includes(text) && containing.length < limit) containing.push(item);
  }
  return [...starting, ...containing].slice(0, limit);
}
