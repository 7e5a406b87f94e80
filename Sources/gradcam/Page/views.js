import { fill, iconButton, make, textButton } from "./dom.js";
import { targetTitle } from "./forms.js";
import { Painting } from "./painting.js";
import { asSentence } from "./panels.js";
import { Stage } from "./stage.js";

/** A grid of one to four pictures, each with its own model, node, target and method, moved together. */
export class Views {
  #figures = [];
  #pointer = null;

  constructor(session, host) {
    this.session = session;
    this.host = host;
    new ResizeObserver(() => this.#arrange()).observe(host);
    session.addEventListener("picture", () => this.#begin());
    for (const type of ["views", "node", "question", "settings", "answer", "painting"]) {
      session.addEventListener(type, () => this.show());
    }
  }

  /** The picture of the active view as it would be saved: {width, height, data}. */
  get pixels() {
    const { stage } = this.#figures[this.session.active];
    stage.finish();
    const { width, height } = stage.canvas;
    return stage.context.getImageData(0, 0, width, height);
  }

  /** Puts two views one below the other where that shows the picture larger. */
  #arrange() {
    const { picture, views } = this.session, { clientWidth: width, clientHeight: height } = this.host, head = 44;
    if (!picture || !width) return;
    const scale = (columns, rows) =>
      Math.min(width / columns / picture.width, (height / rows - head) / picture.height);
    this.host.classList.toggle("stacked", views.length === 2 && scale(1, 2) > scale(2, 1));
  }

  /** Shows another picture, all of it, with nothing painted. */
  #begin() {
    this.show();
    this.#figures[0]?.stage.zoom(0);
    if (this.session.painting) this.paint(true);
  }

  show() {
    const { views } = this.session;
    while (this.#figures.length < views.length) this.#figures.push(this.#make(this.#figures.length));
    this.#figures.length = views.length;
    if (this.host.childElementCount !== views.length) fill(this.host, this.#figures.map((figure) => figure.element));
    this.host.dataset.count = views.length;
    this.#arrange();
    views.forEach((view, index) => this.#draw(view, this.#figures[index], index));
    this.#showPointer(this.#pointer);
  }

  #make(index) {
    const { session } = this;
    const stage = new Stage({
      look: () => this.#figures.forEach((figure) => figure.stage.place()),
      point: (place) => this.#showPointer(place),
      pick: (rank) => {
        session.activate(index);
        const { counterfactual } = session.view.target ?? {};
        session.setTarget(counterfactual ? { detection: rank, counterfactual } : { detection: rank });
      },
      painting: () => session.painting !== null && session.painting !== undefined,
      stroke: (from, to) => {
        session.painting.stroke(from, to);
        this.#figures.forEach((figure) => figure.stage.showPainting(session.painting));
      },
      strokeEnded: () => session.tell("painted"),
    });
    const name = make("button", { type: "button", class: "name", onclick: () => session.activate(index) });
    const close = iconButton("close", "Close this view", () => session.removeView(index));
    const value = make("output", { class: "value" });
    const note = make("p", { class: "note" });
    const bar = make("progress", { max: "1" });
    const work = make("div", { class: "work", hidden: true }, make("span", {}), bar,
      textButton("Cancel", () => session.explanations.cancel(session.question(session.views[index]))));
    const element = make("article", { class: "view" }, make("header", {}, name, value, close), stage.element, note, work);
    element.addEventListener("pointerdown", () => session.activate(index), { capture: true });
    stage.element.addEventListener("focus", () => session.activate(index));
    stage.element.addEventListener("keydown", (event) => this.#key(event, stage));
    return { element, stage, name, close, value, note, work, bar, signature: null };
  }

  #draw(view, figure, index) {
    const { session } = this, { picture } = session, isActive = index === session.active;
    const state = session.state(view), { explanation, progress, refusal } = state;
    const channel = isActive ? session.channel : null;
    const map = channel?.map ?? state.map, node = session.node(view);
    const { style, colormap, blend, threshold, signed } = session.settings;
    const isSigned = signed || Boolean(channel?.signed);
    const signature = [map, picture, style, colormap, blend, threshold, isSigned];
    if (!figure.signature?.every((part, i) => part === signature[i])) {
      figure.signature = signature;
      const settings = { style, colors: session.colors(), blend, threshold, signed: isSigned };
      figure.stage.draw(picture, map, explanation?.document.geometry, settings);
    }
    const shown = explanation ? targetTitle(session, view, explanation.document) : null;
    const areOfOneModel = session.views.every((other) => other.model === view.model);
    const what = [areOfOneModel ? null : view.model, node?.query].filter(Boolean);
    const how = channel ? [channel.title, channel.signed ? shown : null] : [shown, view.method];
    fill(figure.name, make("strong", { text: what.join(" · ") || "–" }),
      make("span", { text: how.filter(Boolean).join(" · ") }));
    figure.name.title = [...what, ...how].filter(Boolean).join(" · ");
    figure.close.hidden = session.views.length === 1;
    figure.element.classList.toggle("active", isActive && session.views.length > 1);
    figure.name.setAttribute("aria-pressed", String(isActive));
    figure.element.setAttribute("aria-label", `View ${index + 1}: ${what.join(", ")}`);
    const name = session.imageDocument?.name ?? "picture";
    const shownMap = channel ? `${channel.title}, of ${what.join(", ")}` : `the map of ${what.join(", ")} for ${shown}`;
    const seen = map ? `${name}, with ${shownMap}` : name;
    figure.stage.element.setAttribute("aria-label", picture ? `${seen}. Arrow keys read values.` : "No picture yet");
    figure.stage.showBoxes(explanation?.document.boxes);
    figure.stage.showPainting(session.painting);
    figure.stage.element.classList.toggle("painting", Boolean(session.painting));

    const isWorking = progress !== null && !refusal;
    figure.work.hidden = !isWorking || !picture;
    if (isWorking) {
      figure.work.firstChild.textContent = view.method;
      if (progress > 0) figure.bar.value = progress;
      else figure.bar.removeAttribute("value");
    }
    const isFinal = session.source.isFile || ["usage", "unsupported"].includes(refusal?.code);
    const again = refusal && !isFinal
      ? textButton("Try again", () => session.explanations.ask(session.question(view), true), { class: "link" }) : null;
    fill(figure.note, refusal ? [refusal.line, again] : this.#noteOf(view, explanation, map, node));
  }

  /** A line on what the picture lacks. */
  #noteOf(view, explanation, map, node) {
    if (this.session.picture && !view.target) return "Choose what is explained.";
    if (!this.session.picture || !explanation) return [];
    if (map?.empty) {
      const [warning] = map.warnings;
      return warning ? asSentence(warning.text) : "The map is empty: nothing here speaks for the target.";
    }
    if (map || !node) return [];
    return node.mappable
      ? "No map here: what is explained does not depend on this node. Choose one with a thumbnail."
      : "No map here: this node's output has no rows and columns. Choose one with a thumbnail.";
  }

  #showPointer(place) {
    this.#pointer = place;
    this.#figures.forEach((figure) => {
      figure.stage.showPointer(place);
      const value = place ? figure.stage.valueAt(place) : null;
      const sign = this.session.settings.signed && value > 0 ? "+" : "";
      const text = value === undefined ? "not seen" : value === null ? "" : `${sign}${value.toFixed(3).replace("-", "−")}`;
      figure.value.textContent = place ? `${place.x}, ${place.y}  ${text}` : "";
    });
  }

  /** Arrows read values, the rest enlarges. */
  #key(event, stage) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.session.picture) return;
    const { width, height } = this.session.picture, step = event.shiftKey ? 1 : Math.max(1, Math.round(width / 60));
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key]) {
      const from = this.#pointer ?? { x: width >> 1, y: height >> 1 }, [dx, dy] = moves[event.key];
      const within = (at, length) => Math.min(length - 1, Math.max(0, at));
      this.#showPointer({ x: within(from.x + dx, width), y: within(from.y + dy, height) });
    } else if (["+", "="].includes(event.key)) stage.zoom(1.25);
    else if (event.key === "-") stage.zoom(0.8);
    else if (event.key === "0") stage.zoom(0);
    else if (event.key === "Escape") this.#showPointer(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Begins or ends drawing a part of the picture. */
  paint(on) {
    const { session } = this;
    session.painting = on && session.picture ? new Painting(session.picture.width, session.picture.height) : null;
    session.tell("painting");
  }
}
