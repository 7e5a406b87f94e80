import { addressOf, stateOfAddress } from "./address.js";
import { bytesOfBase64, canonicalJSON } from "./arrays.js";
import { Explanations } from "./explanations.js";
import { nodeAtLikeDepth } from "./navigation.js";
import { pixelsOf, refusalOfFile, rememberPictures, rememberedPictures, smallPicture } from "./pictures.js";

const defaultSettings = { style: "overlay", colormap: "jet", blend: 0.5, threshold: 0, signed: false };

/**
 * The state of the page: its documents, the picture, up to four views and how they are drawn. Changes are events.
 *
 * Events: "views" (number, model or active one of the views), "node" (of a view), "question" (target or method of a view),
 * "picture" (another one, or the list), "settings", "answer" (of a question; detail.question), "painting" (begun or ended),
 * "painted", "notice" (detail: text, advice, isLong, stays; isPassing until one without a text, or another one).
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
  #blobs = new Map();
  /** The picture and the model asked for last: what arrives later than it was wanted is not shown. */
  #wantedImage = null;
  #wantedModel = null;

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
    const lacks = [];
    for (const named of state.views) {
      const name = this.about.models.includes(named.model) ? named.model : this.about.models[0];
      if (!name) continue;
      if (named.model && named.model !== name) lacks.push(`There is no model '${named.model}' here.`);
      const model = await this.#load(name);
      const method = this.about.methods.some((method) => method.name === named.method)
        ? named.method : this.#firstMethod(model);
      const node = this.nodeNamed(named.node, model);
      if (named.node && node === null) lacks.push(`${name} has no node '${named.node}'.`);
      const target = isEmpty(named.target) ? this.#firstTarget(model) : named.target;
      this.views.push({ model: name, node: node ?? this.#firstNode(model), method, target });
    }
    this.active = Math.min(state.active, Math.max(0, this.views.length - 1));
    this.tell("views");
    if (!await this.#recall(state.image)) {
      lacks.push("The picture that the address names is no longer here: add it again.");
    }
    const image = this.images.find((image) => image.id === state.image) ?? this.images[0];
    if (image) await this.showImage(image.id);
    this.views.forEach((view, index) => state.views[index].node || this.#showSource(view));
    lacks.push(...(await Promise.all(this.views.map((view) => this.#forgoTarget(view)))).filter(Boolean));
    if (lacks.length) this.notify(lacks.join(" "), "What is usual is shown instead.");
  }

  /** Explains what is usual if a model cannot explain what an address names; why it cannot, or null. */
  async #forgoTarget(view) {
    const usual = this.#usualTarget(view), { target } = view;
    const isNamed = target !== null && canonicalJSON(target) !== canonicalJSON(usual);
    if (!isNamed || !this.image || this.source.isFile) return null;
    await this.explanations.ask(this.question(view));
    const { refusal } = this.state(view);
    if (refusal?.code !== "usage" || view.target !== target) return null;
    view.target = usual;
    this.tell("question");
    this.askAll();
    return `${refusal.line}.`;
  }

  /** Adds the pictures of an earlier visit that the source still has; returns whether the one of an id is there. */
  async #recall(id) {
    const isListed = (id) => this.images.some((image) => image.id === id);
    const earlier = this.source.isFile ? [] : rememberedPictures();
    if (id && !isListed(id) && !earlier.some((image) => image.id === id)) earlier.push({ id, name: null, path: null });
    const found = await Promise.all(earlier.filter((image) => !isListed(image.id)).map(async (image) => {
      try {
        if (!/^[0-9a-f]{32}$/.test(image.id)) throw new TypeError(image.id);
        const blob = await this.#blob(image.id);
        if (image.width) return image;
        const { width, height } = await createImageBitmap(blob);
        return { ...image, width, height };
      } catch {
        return null;
      }
    }));
    this.images.push(...found.filter(Boolean));
    this.#remember();
    return !id || isListed(id);
  }

  /** Remembers the pictures that were added, in case the page is reloaded. */
  #remember() {
    if (!this.source.isFile) rememberPictures(this.images.filter((image) => this.isRemovable(image)));
  }

  /** The method that is asked first: of boxes, the one for single boxes. */
  #firstMethod(model) {
    const names = this.about.methods.map((method) => method.name);
    const usual = model.target?.detection === undefined ? "gradcam" : "odam";
    return names.includes(usual) ? usual : names[0];
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

  #usualTarget(view) { return this.#firstTarget(this.models.get(view.model)); }

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

  /** Asks for what the views lack; what no view wants any more is given up. */
  askAll(again = null) {
    const asking = this.image ? this.views.filter((view) => view.target) : [];
    this.explanations.keepOnly(asking.map((view) => this.question(view)));
    for (const view of asking) this.explanations.ask(this.question(view), view === again);
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

  setTarget(target) {
    this.#ask({ target });
    this.#showSource(this.view);
  }

  /** Shows the feature map that a box is read from, once it is known, unless another node was chosen meanwhile. */
  async #showSource(view) {
    const { target, node: before } = view;
    if (!this.image || !target) return;
    const node = (await this.explanations.ask(this.question(view)))?.document.auto ?? null;
    if (node === null || view.target !== target || view.node !== before || before === node) return;
    view.node = node;
    this.tell("node");
    this.askAll();
  }

  setMethod(method) { this.#ask({ method }); }

  /** Changes what the active view asks; one that was refused or stopped before is asked again. */
  #ask(change) {
    Object.assign(this.view, change);
    this.channel = null;
    this.tell("question");
    this.askAll(this.view);
  }

  /** What the active view's model said of the picture, also while another question is computed; or null. */
  get reading() {
    if (!this.image || !this.view) return null;
    return this.state().explanation?.document ?? this.explanations.reading(this.question());
  }

  async setModel(name) {
    const { view } = this, wanted = this.#wantedModel = {};
    try {
      const model = await this.#load(name), old = this.models.get(view.model);
      if (this.#wantedModel !== wanted || !this.views.includes(view)) return;
      const node = old ? nodeAtLikeDepth(view.node, old, model) : null;
      const target = old && keepsTarget(view.target, old, model) ? view.target : this.#firstTarget(model);
      Object.assign(view, { model: name, node: node ?? this.#firstNode(model), target });
      if (view === this.view) this.channel = null;
      this.askAll();
      if (node === null) this.#showSource(view);
    } catch (error) {
      this.refuse(error);
    }
    this.tell("views");
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
    if (this.active >= count) [this.active, this.channel] = [count - 1, null];
    this.tell("views");
    this.askAll();
  }

  removeView(index) {
    this.views.splice(index, 1);
    if (index === this.active) this.channel = null;
    this.active = Math.max(0, this.active - (index <= this.active ? 1 : 0));
    this.tell("views");
    this.askAll();
  }

  setSettings(settings) {
    Object.assign(this.settings, settings);
    this.tell("settings");
  }

  showChannel(channel) {
    this.channel = channel;
    this.tell("node");
  }

  /** Shows a picture of the list, unless another one is wanted before it is there: its pixels are fetched once. */
  async showImage(id) {
    this.#wantedImage = id;
    try {
      if (!this.pictures.has(id)) this.pictures.set(id, await pixelsOf(await this.#blob(id)));
    } catch (error) {
      return this.refuse(error);
    }
    if (this.#wantedImage !== id || !this.images.some((image) => image.id === id)) return;
    const before = this.imageDocument?.id;
    [this.image, this.channel] = [id, null];
    // A picture is not compared with itself, and a part belongs to the picture that it was drawn on.
    for (const view of this.views) {
      const { mask, embedding } = view.target ?? {};
      if (mask !== undefined && before !== id) view.target = this.#usualTarget(view);
      if (embedding?.id !== id) continue;
      view.target = before && before !== id ? { ...view.target, embedding: { id: before } } : this.#usualTarget(view);
    }
    this.tell("picture");
    this.askAll();
  }

  /** The file of a picture, which is asked for once. */
  #blob(id) {
    if (!this.#blobs.has(id)) {
      const blob = this.source.picture(id);
      this.#blobs.set(id, blob);
      blob.catch(() => this.#blobs.delete(id));
    }
    return this.#blobs.get(id);
  }

  /** A small image of a picture of the list. */
  thumbnail(id) {
    if (!this.#thumbnails.has(id)) this.#thumbnails.set(id, this.#blob(id).then(smallPicture));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [96, 96];
    this.#thumbnails.get(id).then((small) => canvas.getContext("2d").drawImage(small, 0, 0), () => {});
    return canvas;
  }

  /** Sends pictures to the server, and shows the first as soon as it is there. */
  async addPictures(files) {
    let shown = null;
    for (const [index, file] of files.entries()) {
      const count = files.length > 1 ? ` (${index + 1} of ${files.length})` : "";
      if (file.size > 1e6) this.tell("notice", { text: `Reading ${file.name}${count}…`, isPassing: true });
      try {
        const document = await this.source.addPicture(file);
        document.name ??= file.name || null;
        if (!this.images.some((image) => image.id === document.id)) this.images.push(document);
        this.#remember();
        if (shown) this.tell("picture");
        shown ??= this.showImage(document.id);
        await shown;
        this.tell("notice", { text: null });
      } catch (error) {
        this.tell("notice", { text: refusalOfFile(file, error), isLong: true });
      }
    }
    for (const view of this.views) {
      if (view.target) continue;
      view.target = this.#usualTarget(view);
      if (view.target) this.tell("question");
    }
    this.askAll();
  }

  /** Whether a picture can be removed: those of the command line stay. */
  isRemovable(image) { return !this.source.isFile && !this.about.images.some((initial) => initial.id === image.id); }

  async removeImage(id) {
    const index = this.images.findIndex((image) => image.id === id);
    this.images.splice(index, 1);
    for (const kept of [this.pictures, this.#blobs, this.#thumbnails]) kept.delete(id);
    for (const view of this.views) {
      if (view.target?.embedding?.id === id) view.target = this.#usualTarget(view);
    }
    this.source.removePicture(id).catch((error) => this.refuse(error));
    const next = this.images[Math.min(index, this.images.length - 1)];
    this.#remember();
    if (this.image !== id) {
      this.tell("picture");
      this.askAll();
    } else if (next) await this.showImage(next.id);
    else {
      this.image = this.#wantedImage = null;
      this.tell("picture");
      this.askAll();
    }
  }

  /** The address that names what is seen. */
  get address() {
    const views = this.views.map((view) => ({ ...view, target: view.target ?? {}, node: this.node(view)?.query ?? null }));
    const { image, active, linked, settings } = this;
    return addressOf({ views, image, active, linked, settings }, defaultSettings);
  }
}

function isEmpty(object) { return Object.keys(object).length === 0; }

/** Whether a target of one model means the same for another: a class of as many. */
function keepsTarget(target, old, model) {
  const isOfClasses = target !== null && (target.class !== undefined || target.contrast !== undefined);
  return isOfClasses && old.classCount === model.classCount;
}
