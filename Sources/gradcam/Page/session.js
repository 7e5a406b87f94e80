import { addressOf, stateOfAddress } from "./address.js";
import { bytesOfBase64 } from "./arrays.js";
import { Explanations } from "./explanations.js";
import { nodeAtLikeDepth } from "./navigation.js";

const defaultSettings = { style: "overlay", colormap: "jet", blend: 0.5, threshold: 0, signed: false };

/**
 * What the page shows, and who is told of changes: the documents, the picture, up to four views and how they are drawn.
 *
 * Events: "views" (number, model or active one of the views), "node" (of a view), "question" (target or method of a view),
 * "picture" (another one, or the list), "settings", "answer" (of a question; detail.question), "painting" (begun or ended),
 * "painted", "notice" (detail: text, advice, isLong, stays).
 */
export class Session extends EventTarget {
  models = new Map();
  pictures = new Map();
  images = [];
  image = null;
  views = [];
  active = 0;
  linked = true;
  settings = { ...defaultSettings };
  /** The single channel that the active view shows in place of its map, or null. */
  channel = null;
  /** The time from the choice of a node to its picture. */
  lastClickMilliseconds = null;
  /** The part of the picture that is being drawn, or null. */
  painting = null;
  #colors = new Map();
  #thumbnails = new Map();

  constructor(source) {
    super();
    this.source = source;
  }

  /** The 768 bytes of a colour map. */
  colors(name = this.settings.colormap) {
    if (!this.#colors.has(name)) this.#colors.set(name, bytesOfBase64(this.about.colormaps[name]));
    return this.#colors.get(name);
  }

  get view() { return this.views[this.active]; }
  get model() { return this.models.get(this.view?.model); }
  get picture() { return this.pictures.get(this.image) ?? null; }
  get imageDocument() { return this.images.find((image) => image.id === this.image) ?? null; }

  /** Reads what the source is about and what the address (or the file) names. */
  async start(address) {
    this.about = await this.source.about();
    this.images = [...this.about.images];
    this.explanations = new Explanations(this.source, this.about.methods, (question) => this.tell("answer", { question }));
    const state = stateOfAddress(address || String(this.source.view ?? ""), defaultSettings);
    if (!this.about.colormaps[state.settings.colormap]) state.settings.colormap = defaultSettings.colormap;
    if (!this.about.styles.includes(state.settings.style)) state.settings.style = defaultSettings.style;
    [this.settings, this.linked] = [state.settings, state.linked];
    const held = this.source.first;
    if (held && !state.views[0].model) {
      state.views[0] = { ...state.views[0], model: held.model, method: held.method, target: held.target };
      state.image ??= held.image;
    }
    for (const named of state.views) {
      const name = this.about.models.includes(named.model) ? named.model : this.about.models[0];
      if (!name) continue;
      const model = await this.#load(name);
      const method = this.about.methods.some((method) => method.name === named.method) ? named.method : this.#firstMethod();
      const node = this.nodeNamed(named.node, model);
      if (named.node && node === null) this.notify(`${name} has no node '${named.node}'.`, "Its last one is shown.");
      const target = isEmpty(named.target) ? this.#firstTarget(model) : named.target;
      this.views.push({ model: name, node: node ?? this.#firstNode(model), method, target });
    }
    this.active = Math.min(state.active, Math.max(0, this.views.length - 1));
    this.tell("views");
    const isListed = this.images.some((image) => image.id === state.image);
    if (state.image && !isListed) await this.#recall(state.image);
    const image = this.images.find((image) => image.id === state.image) ?? this.images[0];
    if (image) await this.showImage(image.id);
  }

  /** Adds a picture that an address names to the list, if the source still has it from an earlier visit. */
  async #recall(id) {
    try {
      if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError(id);
      const picture = await pixelsOf(await this.source.picture(id));
      this.pictures.set(id, picture);
      this.images.push({ id, name: null, path: null, width: picture.width, height: picture.height });
    } catch {
      this.notify("The picture that the address names is no longer here.", "Add it again.");
    }
  }

  #firstMethod() {
    const names = this.about.methods.map((method) => method.name);
    return names.includes("gradcam") ? "gradcam" : names[0];
  }

  #firstNode(model) {
    return model.auto ?? model.nodes.findLast((node) => node.mappable)?.index ?? model.nodes.at(-1)?.index ?? null;
  }

  /** What is explained at first: what the model says, else the likeness of another picture; null if one must be chosen. */
  #firstTarget({ targets, target }) {
    if (target !== null && target !== undefined) return target;
    const other = this.images.find((image) => image.id !== (this.image ?? this.images[0]?.id));
    return targets.includes("embedding") && other ? { embedding: { id: other.id } } : null;
  }

  async #load(name) {
    if (!this.models.has(name)) {
      const model = await this.source.model(name);
      model.byIndex = new Map(model.nodes.map((node) => [node.index, node]));
      this.models.set(name, model);
    }
    return this.models.get(name);
  }

  /** The index of the node that a text names, null if none does. */
  nodeNamed(text, model) {
    if (!text) return null;
    if (text === "auto") return model.auto;
    return model.nodes.find((node) => node.query === text || `#${node.index}` === text || node.name === text)?.index ?? null;
  }

  node(view = this.view) { return this.models.get(view?.model)?.byIndex.get(view.node) ?? null; }

  question(view = this.view) { return { ...view, image: this.image }; }

  /** What is known of a view: see `Explanations.state`. */
  state(view = this.view) {
    if (!view?.target || !this.image) return { explanation: null, map: null, progress: null, note: null, refusal: null };
    return this.explanations.state(this.question(view));
  }

  tell(type, detail = {}) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  notify(text, advice = null) { this.tell("notice", { text, advice, isLong: advice !== null }); }

  /** Shows a refusal as a quiet line. */
  refuse(error) {
    if (error.name !== "AbortError") this.tell("notice", { text: error.line ?? error.message, isLong: true });
  }

  /** Asks for what the views lack. */
  askAll() {
    if (!this.image) return;
    for (const view of this.views) if (view.target) this.explanations.ask(this.question(view));
  }

  selectNode(index, view = this.view) {
    if (view.node === index && !this.channel) return;
    performance.mark("gradcam:click");
    const model = this.models.get(view.model);
    view.node = index;
    this.channel = null;
    if (this.linked) {
      for (const other of this.views) {
        if (other === view || other.model === view.model) continue;
        other.node = nodeAtLikeDepth(index, model, this.models.get(other.model)) ?? other.node;
      }
    }
    this.tell("node");
    this.lastClickMilliseconds = performance.measure("gradcam:node", "gradcam:click").duration;
    this.askAll();
  }

  setTarget(target) { this.#ask({ target }); }

  setMethod(method) { this.#ask({ method }); }

  /** Changes what the active view asks; one that was refused or stopped before is asked again. */
  #ask(change) {
    Object.assign(this.view, change);
    this.channel = null;
    this.tell("question");
    if (this.image && this.view.target) this.explanations.ask(this.question(), true);
  }

  /** What the active view's model said of the picture, also while another question is computed; or null. */
  get reading() {
    if (!this.image || !this.view) return null;
    return this.state().explanation?.document ?? this.explanations.reading(this.question());
  }

  async setModel(name) {
    try {
      const model = await this.#load(name), old = this.model;
      const node = old ? nodeAtLikeDepth(this.view.node, old, model) : null;
      const target = old && keepsTarget(this.view.target, old, model) ? this.view.target : this.#firstTarget(model);
      Object.assign(this.view, { model: name, node: node ?? this.#firstNode(model), target });
      this.channel = null;
      this.tell("views");
      this.askAll();
    } catch (error) {
      this.refuse(error);
    }
  }

  activate(index) {
    if (index === this.active) return;
    this.active = index;
    this.channel = null;
    this.tell("views");
  }

  /** Adds views like the active one, or takes the last away. */
  setViewCount(count) {
    while (this.views.length < count) this.views.push({ ...this.view });
    this.views.length = count;
    this.active = Math.min(this.active, count - 1);
    this.tell("views");
    this.askAll();
  }

  removeView(index) {
    this.views.splice(index, 1);
    this.active = Math.max(0, this.active - (index <= this.active ? 1 : 0));
    this.tell("views");
  }

  setSettings(settings) {
    Object.assign(this.settings, settings);
    this.tell("settings");
  }

  showChannel(channel) {
    this.channel = channel;
    this.tell("node");
  }

  /** Shows a picture of the list: its pixels are fetched once. */
  async showImage(id) {
    try {
      if (!this.pictures.has(id)) this.pictures.set(id, await pixelsOf(await this.source.picture(id)));
    } catch (error) {
      return this.refuse(error);
    }
    [this.image, this.channel] = [id, null];
    this.tell("picture");
    this.askAll();
  }

  /** A small image of a picture of the list. */
  thumbnail(id) {
    if (!this.#thumbnails.has(id)) this.#thumbnails.set(id, this.source.picture(id).then(smallPicture));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [96, 96];
    this.#thumbnails.get(id).then((small) => canvas.getContext("2d").drawImage(small, 0, 0), () => {});
    return canvas;
  }

  /** Sends pictures to the server, and shows the first. */
  async addPictures(files) {
    let first = null;
    for (const file of files) {
      try {
        const document = await this.source.addPicture(file);
        document.name ??= file.name || null;
        if (!this.images.some((image) => image.id === document.id)) this.images.push(document);
        first ??= document.id;
      } catch (error) {
        this.refuse(error);
      }
    }
    for (const view of this.views) view.target ??= this.#firstTarget(this.models.get(view.model));
    if (first) await this.showImage(first);
  }

  /** Whether a picture can be removed: those of the command line stay. */
  isRemovable(image) { return !this.source.isFile && !this.about.images.some((initial) => initial.id === image.id); }

  async removeImage(id) {
    const index = this.images.findIndex((image) => image.id === id);
    this.images.splice(index, 1);
    this.pictures.delete(id);
    this.source.removePicture(id).catch((error) => this.refuse(error));
    const next = this.images[Math.min(index, this.images.length - 1)];
    if (this.image !== id) this.tell("picture");
    else if (next) await this.showImage(next.id);
    else {
      this.image = null;
      this.tell("picture");
    }
  }

  /** The address that names what is seen. */
  get address() {
    const views = this.views.map((view) => ({ ...view, target: view.target ?? {}, node: this.node(view)?.query ?? null }));
    const { image, active, linked, settings } = this;
    return addressOf({ views, image, active, linked, settings }, defaultSettings);
  }
}

/** The middle of a picture, 96 pixels wide and high. */
async function smallPicture(blob) {
  const bitmap = await createImageBitmap(blob), side = Math.min(bitmap.width, bitmap.height);
  return createImageBitmap(
    bitmap, (bitmap.width - side) >> 1, (bitmap.height - side) >> 1, side, side,
    { resizeWidth: 96, resizeHeight: 96, resizeQuality: "high" });
}

function isEmpty(object) { return Object.keys(object).length === 0; }

/** Whether a target of one model means the same for another: a class of as many. */
function keepsTarget(target, old, model) {
  const isOfClasses = target !== null && (target.class !== undefined || target.contrast !== undefined);
  return isOfClasses && old.classCount === model.classCount;
}

/** A picture's pixels, as they are in the file. */
async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { width, height, data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { width, height, data, blob };
}
