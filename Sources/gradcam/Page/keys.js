import { byId, fill, icon, isTyping, make } from "./dom.js";

const keyTable = [
  ["/", "Search nodes"],
  ["↑ ↓ ← →", "In the graph: move along edges. In the picture: read values"],
  ["Enter", "Open or close a group"],
  ["+ − 0", "Enlarge, shrink, show all"],
  [".", "Show the current node"],
  ["[ ]", "Previous or next class"],
  ["o", "Choose pictures"],
  [", ;", "Previous or next picture"],
  ["1 2 3 4", "Number of views"],
  ["v", "Next view"],
  ["c", "Copy the command"],
  ["s", "Save"],
  ["?", "These keys"],
];

const freeOfArrows = "#top button, #graph-tools button, #strip button, .view button";

/** Keys that work anywhere, and the window that lists them. `actions` maps keys to functions. */
export function listenForKeys(actions) {
  const dialog = byId("keys");
  fill(dialog.querySelector("dl"), keyTable.map(([keys, meaning]) => {
    const names = keys.split(" ").map((key) => make("kbd", { text: key }));
    return make("div", {}, make("dt", {}, names), make("dd", { text: meaning }));
  }));
  dialog.querySelector("button").append(icon("close"));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  byId("help").addEventListener("click", () => dialog.showModal());
  addEventListener("keydown", (event) => {
    const isOurs = !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isOurs || isTyping(event) || document.querySelector("dialog[open]")) return;
    // Arrows belong to the control that has the focus, if it has a use for them.
    const { activeElement, body } = document, isAtRest = activeElement === body || activeElement.matches(freeOfArrows);
    if (event.key.startsWith("Arrow") && !isAtRest) return;
    if (event.key === "?") dialog.showModal();
    else if (actions[event.key]) actions[event.key]();
    else return;
    event.preventDefault();
  });
}

/** Makes the page's sections into tabs where there is no room for all of them. */
export function showTabs(list, tabs) {
  const choose = (id) => {
    document.body.dataset.tab = id;
    for (const tab of list.children) {
      const isChosen = tab.dataset.tab === id;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    }
  };
  fill(list, tabs.map(([id, title]) => make("button", {
    type: "button", role: "tab", "data-tab": id, "aria-controls": id, text: title, onclick: () => choose(id),
  })));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = (tabs.findIndex(([id]) => id === document.body.dataset.tab) + step + tabs.length) % tabs.length;
    choose(tabs[index][0]);
    list.children[index].focus();
    event.preventDefault();
  });
  choose(tabs[0][0]);
}
