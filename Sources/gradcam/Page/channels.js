import { floatsOf } from "./arrays.js";
import { fill, make, shortNumber } from "./dom.js";
import { drawThumbnail } from "./thumbnails.js";

/** The channels of the current node, those that count most first: activation and gradient of each. */
export class ChannelPanel {
  #controller = null;
  #shown = null;

  constructor(session, host) {
    this.session = session;
    this.host = host;
    this.body = make("div", { class: "channels" });
    this.status = make("p", { class: "quiet-text" });
    host.append(this.status, this.body);
    host.addEventListener("toggle", () => this.#ask());
    for (const type of ["views", "node", "question", "picture"]) session.addEventListener(type, () => this.#ask());
    session.addEventListener("settings", () => this.#redraw());
  }

  async #ask() {
    const { session } = this, node = session.node();
    if (!this.host.open || !node || !session.image) return;
    const question = session.explanations.key(session.question()) + node.index;
    if (this.#shown === question) return this.#mark();
    this.#shown = question;
    this.#controller?.abort();
    this.#controller = new AbortController();
    fill(this.body);
    if (!node.mappable) {
      this.status.textContent = "This node has no channels with rows and columns.";
      return;
    }
    this.status.textContent = "Reading the channels…";
    try {
      const { view } = session;
      const parameters = { node: `#${node.index}`, target: view.target, count: 24 }, { signal } = this.#controller;
      const answer = await session.source.channels(view.model, session.image, parameters, { signal });
      if (this.#shown !== question) return;
      this.status.textContent = `${answer.channels.length} of ${answer.total} channels, those that count most first. `
        + "Left the activation, right the gradient.";
      fill(this.body, answer.channels.map((channel) => this.#item(channel)));
      this.#redraw();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#shown = null;
      this.status.textContent = error.line ?? error.message;
    }
  }

  #item(channel) {
    const parts = ["activation", "gradient"].map((kind) => {
      const [height, width] = channel[kind].shape.slice(-2);
      const map = { width, height, values: floatsOf(channel[kind]), region: null, rectified: false };
      const canvas = make("canvas", { width: 56, height: 56, "aria-hidden": "true" });
      const title = `channel ${channel.index}, ${kind}`;
      const button = make("button", {
        type: "button", "aria-label": `Show the ${kind} of channel ${channel.index}`, title,
        onclick: () => this.#toggle({ map, title, signed: kind === "gradient" }),
      }, canvas);
      Object.assign(button, { map, canvas, kind });
      return button;
    });
    const facts = [channel.index, shortNumber(channel.weight)].map((text) => make("span", { text }));
    return make("figure", {}, make("div", {}, parts), make("figcaption", {}, facts));
  }

  /** Shows a channel in place of the map, or the map again. */
  #toggle(channel) { this.session.showChannel(this.session.channel?.map === channel.map ? null : channel); }

  #redraw() {
    for (const button of this.body.querySelectorAll("button")) {
      drawThumbnail(button.canvas, button.map, this.session.colors(), button.kind === "gradient");
    }
    this.#mark();
  }

  #mark() {
    for (const button of this.body.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(this.session.channel?.map === button.map));
    }
  }
}
