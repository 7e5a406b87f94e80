import { ChannelPanel } from "./channels.js";
import { makeCombobox } from "./combobox.js";
import { byId, fill, icon, make } from "./dom.js";
import { kindOfTarget } from "./forms.js";
import { Graph } from "./graph.js";
import { ImagePanel } from "./images.js";
import { listenForKeys, showTabs } from "./keys.js";
import { searchNodes } from "./navigation.js";
import { shapeText } from "./operators.js";
import { copyText, showDrawing, showFacts, showMethods, showReadings } from "./panels.js";
import { pageWithData, saveJSON, saveNPY, savePNG, savePage, seenCommand } from "./saving.js";
import { Session } from "./session.js";
import { FileSource, ServerSource } from "./source.js";
import { TargetPanel } from "./target.js";
import { Views } from "./views.js";

/** A quiet line at the foot of the page that goes by itself, unless it says what to do. */
function showNotices(session) {
  const notice = byId("notice"), [text, close] = notice.children;
  let timer = null, isPassing = false;
  const hide = () => { notice.hidden = true; };
  close.append(icon("close"));
  close.addEventListener("click", hide);
  session.addEventListener("notice", ({ detail }) => {
    if (detail.text === null) return isPassing && hide();
    isPassing = Boolean(detail.isPassing);
    fill(text, detail.text, detail.advice ? make("span", { text: ` ${detail.advice}` }) : null);
    notice.hidden = false;
    clearTimeout(timer);
    if (!detail.stays && !isPassing) timer = setTimeout(hide, detail.isLong ? 12_000 : 3_000);
  });
}

/** The chooser of models, the number of views, and whether they move together. */
function showTop(session) {
  const select = byId("model"), counts = byId("counts"), linked = byId("linked");
  select.addEventListener("change", () => session.setModel(select.value));
  linked.addEventListener("change", () => {
    session.linked = linked.checked;
    session.tell("settings");
  });
  session.addEventListener("views", () => {
    const { models } = session.about;
    if (select.childElementCount !== models.length) {
      fill(select, models.map((name) => make("option", { value: name, text: name })));
    }
    if (session.view) select.value = session.view.model;
    select.disabled = models.length < 2;
    if (!counts.childElementCount) {
      fill(counts, [1, 2, 3, 4].map((count) => {
        const button = make("input", { type: "radio", name: "count", value: count, onchange: () => session.setViewCount(count) });
        const title = count === 1 ? "One view (1)" : `${count} views (${count})`;
        return make("label", { title }, button, make("span", { text: count }));
      }));
    }
    counts.querySelector(`[value="${session.views.length}"]`).checked = true;
    linked.checked = session.linked;
    byId("linked-field").hidden = new Set(session.views.map((view) => view.model)).size < 2;
    document.title = session.view ? `${session.view.model} · gradcam` : "gradcam";
  });
}

/** The search of nodes, by name, module, operator and shape. */
function showSearch(session, graph) {
  const search = makeCombobox({
    label: "Search nodes", placeholder: "Search nodes", empty: "No node fits.",
    items: (query) => searchNodes(session.model, query).map((node) => {
      const detail = [node.operator, shapeText(node.shape)].filter(Boolean).join("  ");
      return { label: node.query, detail, value: node.index };
    }),
    choose: (index) => {
      session.selectNode(index);
      graph.reveal(true, true);
    },
  });
  search.element.append(make("kbd", { "aria-hidden": "true", text: "/" }));
  byId("search").append(search.element);
  return search;
}

/** Copies and saves what is seen. */
function takeAlong(session, views) {
  const hasMap = () => {
    if (session.state().map || session.channel) return true;
    session.notify("There is no map to save yet.", "Choose a picture and a node first.");
    return false;
  };
  const actions = {
    png: () => (session.picture ? savePNG(session, views.pixels) : hasMap()),
    npy: () => hasMap() && saveNPY(session),
    json: () => hasMap() && saveJSON(session),
    html: () => savePage(session).catch((error) => session.refuse(error)),
    address: async () => {
      await copyText(location.href);
      session.notify("The address is copied.");
    },
  };
  const menu = byId("save-menu");
  menu.addEventListener("click", (event) => {
    const action = event.target.closest("[data-save]")?.dataset.save;
    if (!action) return;
    menu.hidePopover();
    actions[action]();
  });
  if (session.source.isFile) menu.querySelector('[data-save="html"]').hidden = true;
  const copy = async () => {
    if (!session.model) return;
    const { command, limits } = seenCommand(session);
    await copyText(command);
    session.notify(`Copied: ${command}`, limits);
  };
  byId("copy").append(icon("copy"), make("span", { text: "Copy command" }));
  byId("copy").addEventListener("click", copy);
  byId("save").append(icon("save"), make("span", { text: "Save" }));
  return { copy, save: () => menu.togglePopover({ source: byId("save") }) };
}

/** Keeps the address true to what is seen. */
function keepAddress(session) {
  let timer = null, own = location.hash.slice(1);
  const write = () => {
    const { address } = session;
    if (address === own) return;
    own = address;
    history.replaceState(null, "", `#${address}`);
  };
  for (const type of ["views", "node", "question", "picture", "settings"]) {
    session.addEventListener(type, () => {
      clearTimeout(timer);
      timer = setTimeout(write, 150);
    });
  }
  addEventListener("hashchange", () => location.hash.slice(1) !== own && location.reload());
}

/** The class before or after the one explained, among those listed that can be. */
function stepClass(session, panel, step) {
  const form = panel.forms.class, document = session.reading;
  const indices = (document?.classes ?? []).map((entry) => entry.index).filter((index) => form.isHeld(index));
  if (!indices.length || kindOfTarget(session.view.target) !== "class") return;
  const at = indices.indexOf(form.chosen(document));
  form.set(indices[at < 0 ? 0 : (at + step + indices.length) % indices.length]);
}

function stepImage(session, step) {
  const at = session.images.findIndex((image) => image.id === session.image);
  if (at >= 0) session.showImage(session.images[(at + step + session.images.length) % session.images.length].id);
}

/** Builds the page and lets it follow the session. */
function startPage() {
  const data = JSON.parse(byId("data").textContent);
  const session = new Session(data ? new FileSource(data) : new ServerSource());
  const graph = new Graph(session, byId("graph"), byId("graph-tools"));
  const views = new Views(session, byId("views"));
  showNotices(session);
  showTop(session);
  const search = showSearch(session, graph);
  const targets = new TargetPanel(session, views, byId("target"));
  showMethods(session, byId("method"));
  showDrawing(session, byId("drawing"));
  showFacts(session, byId("facts"));
  showReadings(session, byId("readings"));
  new ChannelPanel(session, byId("channels"));
  const images = new ImagePanel(session, byId("strip"), byId("invitation"));
  const { copy, save } = takeAlong(session, views);
  showTabs(byId("tabs").firstElementChild, [["graph", "Network"], ["facts", "Node"], ["controls", "Explain"]]);
  keepAddress(session);
  const countViews = (count) => () => session.setViewCount(count);
  listenForKeys({
    "/": () => search.input.focus(), "+": () => graph.zoom(1.25), "=": () => graph.zoom(1.25), "-": () => graph.zoom(0.8),
    0: () => graph.fit(), ".": () => graph.reveal(true), c: copy, s: save, o: () => images.choose(),
    "[": () => stepClass(session, targets, -1), "]": () => stepClass(session, targets, 1),
    ",": () => stepImage(session, -1), ";": () => stepImage(session, 1),
    1: countViews(1), 2: countViews(2), 3: countViews(3), 4: countViews(4),
    ArrowUp: () => graph.step("up"), ArrowDown: () => graph.step("down"),
    ArrowLeft: () => graph.step("left"), ArrowRight: () => graph.step("right"),
    v: () => session.activate((session.active + 1) % session.views.length),
  });

  const ready = (async () => {
    await session.start(location.hash.slice(1));
    const asking = session.image ? session.views.filter((view) => view.target) : [];
    await Promise.all(asking.map((view) => session.explanations.ask(session.question(view))));
  })();
  ready.catch((error) => session.tell("notice", { text: error.line ?? error.message, stays: true }));
  /** What tests and the curious use. */
  globalThis.gradcam = {
    ready, session, graph,
    select: (index) => session.selectNode(index),
    pixels: () => views.pixels,
    command: () => seenCommand(session).command,
    file: async () => (await pageWithData(session)).text(),
    get lastClickMilliseconds() { return session.lastClickMilliseconds; },
  };
}

startPage();
