import { classItems, makeCombobox } from "./combobox.js";
import { make, percent, remark, saveFile, textButton } from "./dom.js";
import { answersTarget } from "./source.js";

// The forms of the kinds of targets. Each has `title` and `show(document)`, which returns its elements for what the model
// said of the picture (null if nothing yet), and calls `set` of the panel with a target that was chosen.

/** The kind of a target: the name of its form; null for none. */
export function kindOfTarget(target) {
  if (target === null) return null;
  const kinds = {
    contrast: "contrast", detection: "detection", boxesOf: "detection", mask: "segmentation", embedding: "embedding", elements: "elements",
  };
  return kinds[Object.keys(kinds).find((key) => target[key] !== undefined)] ?? "class";
}

/** The forms by kind. `panel` is {session, views, set(target)}. */
export function targetForms(panel) {
  const forms = {
    class: ClassForm, contrast: ContrastForm, detection: BoxForm, segmentation: PartForm, embedding: LikenessForm,
    elements: ElementsForm,
  };
  return Object.fromEntries(Object.entries(forms).map(([kind, Form]) => [kind, new Form(panel)]));
}

/** A list of buttons with bars. An entry is {label, share, pressed, choose, title?, isHeld?}. */
function barList(entries, label) {
  return make("ul", { class: "bars", "aria-label": label }, entries.map((entry) => {
    const length = make("span", { class: "length" }), hasShare = entry.share !== null && entry.share !== undefined;
    length.style.width = `${100 * Math.min(1, Math.max(0, entry.share ?? 0))}%`;
    const button = make("button", {
      type: "button", class: entry.isHeld === false ? "bar other" : "bar", "aria-pressed": String(entry.pressed),
      onclick: entry.choose, title: entry.title,
    });
    button.append(
      make("span", { class: "title", text: entry.label }),
      make("span", { class: "share", text: hasShare ? percent(entry.share) : "" }),
      make("span", { class: "track" }, length));
    return make("li", {}, button);
  }));
}

/** The label of a class of a model. */
function classLabel(model, index) { return model.classes?.[index] ?? `class ${index}`; }

/** What is explained, in a few words. */
export function targetTitle(session, view, { target }) {
  const { class: label, contrast, elements, boxesOf, embedding, mask, counterfactual } = view.target ?? {};
  const model = session.models.get(view.model);
  const title = (name) => {
    const index = classIndex(model, name.trim());
    return index === null ? name.trim() : classLabel(model, index);
  };
  let words = counterfactual ? target.name.replace(/^not-/, "") : target.name;
  if (typeof target.class === "number") words = classLabel(model, target.class);
  if (contrast !== undefined) words = contrast.split(",").map(title).join(" over ");
  else if (mask !== undefined && label !== undefined) words = `${title(label)} in the part`;
  else if (elements !== undefined) words = elements;
  else if (boxesOf !== undefined) words = `boxes of ${boxesOf}`;
  else if (embedding !== undefined) {
    words = `like ${session.images.find((image) => image.id === embedding.id)?.name ?? "another picture"}`;
  }
  return counterfactual ? `against ${words}` : words;
}

/** The number of a class that is given as its number or label; null if there is none. */
function classIndex(model, name) {
  if (/^\d+$/.test(name)) return Number(name);
  const index = model.classes?.indexOf(name) ?? -1;
  return index < 0 ? null : index;
}

/** The most probable classes with bars, and a search of all. */
class ClassForm {
  title = "Class";

  constructor(panel) {
    this.panel = panel;
    this.others = makeCombobox({
      label: "Another class", placeholder: "Another class…", empty: "No class is called so.",
      items: (query) => (query ? classItems(panel.session.model, query) : []), choose: (index) => this.set(index),
    });
  }

  /** Explains the class of a number. */
  set(index) { this.panel.set({ class: String(index) }); }

  show(document) {
    const { session } = this.panel, chosen = this.chosen(document);
    const entries = this.#listed(document).map(({ index, label, logit, probability }) => {
      const name = label ?? `class ${index}`, isHeld = this.isHeld(index);
      return {
        label: name, share: probability, pressed: index === chosen, isHeld,
        title: logit === undefined ? `class ${index}` : `class ${index}, score ${logit.toFixed(2)}`,
        choose: () => (isHeld ? this.set(index) : session.refuse(session.source.refusal(`maps of '${name}'`))),
      };
    });
    if (chosen !== null && !entries.some((entry) => entry.pressed)) {
      entries.push({ label: classLabel(session.model, chosen), share: null, pressed: true, choose: () => {} });
    }
    return [barList(entries, "Classes, the most probable first"), session.source.isFile ? null : this.others.element];
  }

  /** The classes that are listed: the most probable ones, or all of a few whose probabilities are not known. */
  #listed(document) {
    const { model } = this.panel.session, { classes = [] } = document ?? {};
    const isFew = classes.length === 0 && model.target === null && model.classCount <= 30;
    const each = (_, index) => ({ index, label: model.classes?.[index] });
    return isFew ? Array.from({ length: model.classCount }, each) : classes;
  }

  /** The class that is explained, or will be: the top one where the view asks for none. */
  chosen(document) {
    const { session } = this.panel, { target } = session.view, answer = session.state().explanation?.document;
    if (typeof answer?.target.class === "number") return answer.target.class;
    if (target?.mask === undefined && target?.class !== undefined) return classIndex(session.model, target.class);
    return kindOfTarget(target) === "class" ? document?.classes?.[0]?.index ?? null : null;
  }

  /** Whether a class can be explained: in a file, only some can. */
  isHeld(index) {
    const { source, view, image } = this.panel.session;
    return !source.isFile || source.held(view.model, image)
      .some((entry) => entry.method === view.method && answersTarget(entry, { class: String(index) }));
  }
}

/** Two classes: evidence for one over the other. */
class ContrastForm {
  title = "A over B";
  #pair = [null, null];
  #model = null;

  constructor(panel) {
    this.panel = panel;
    this.boxes = ["A", "B"].map((letter, position) => makeCombobox({
      label: `Class ${letter}`, placeholder: position ? "rather than B…" : "A…", keepsText: true,
      items: (query) => classItems(panel.session.model, query),
      choose: (index) => {
        this.#pair[position] = index;
        this.explain.disabled = this.#pair.includes(null);
        if (!this.explain.disabled) this.#set();
      },
    }));
    this.explain = textButton("Explain", () => this.#set());
  }

  #set() { this.panel.set({ contrast: this.#pair.join(",") }); }

  show(document) {
    const { model, view } = this.panel.session;
    if (this.#model !== model) [this.#model, this.#pair] = [model, [null, null]];
    const asked = view.target?.contrast?.split(",").map((name) => classIndex(model, name.trim()));
    if (asked?.length === 2) this.#pair = asked;
    else if (this.#pair.every((index) => index === null) && document?.classes?.length > 1) {
      this.#pair = document.classes.slice(0, 2).map((entry) => entry.index);
    }
    this.#pair.forEach((index, position) => {
      const { input } = this.boxes[position];
      if (window.document.activeElement !== input) input.value = index === null ? "" : classLabel(model, index);
    });
    this.explain.disabled = this.#pair.includes(null);
    return [
      remark("Evidence for one class rather than another."),
      make("div", { class: "pair" }, this.boxes.map((box) => box.element), this.explain),
    ];
  }
}

/** A detector's boxes, best first; their ranks where they are not known. */
class BoxForm {
  title = "Box";

  constructor(panel) { this.panel = panel; }

  show(document) {
    const { view } = this.panel.session;
    const boxes = document?.boxes
      ?? Array.from({ length: 10 }, (_, rank) => ({ rank, label: `Box ${rank + 1}${rank ? "" : ", the best"}` }));
    const entries = boxes.map(({ rank, label, score, explained = view.target?.detection === rank, class: index }) => ({
      label: label ?? `class ${index}`, share: score, pressed: explained,
      choose: () => this.panel.set({ detection: rank }),
    }));
    return [document?.boxes ? remark("Click a box in the picture or here.") : null, barList(entries, "Boxes")];
  }
}

/** A part of a segmentation, drawn with the mouse. */
class PartForm {
  title = "Part";
  #class = null;
  #model = null;

  constructor(panel) {
    this.panel = panel;
    this.classes = makeCombobox({
      label: "Class of the part", placeholder: "Class…", keepsText: true,
      items: (query) => classItems(panel.session.model, query),
      choose: (index) => {
        this.#class = index;
        panel.show(true);
      },
    });
    this.brush = make("input", { type: "range", min: "1", max: "12", step: "0.5", oninput: () => this.#setBrush() });
    this.brush.value = "3";
    const { session } = panel;
    this.buttons = [
      textButton("Explain the part", () => this.#explain()),
      textButton("Clear", () => panel.views.paint(true), { class: "quiet" }),
      textButton("Save mask.png", async () => saveFile(await session.painting.png(), "mask.png"), { class: "quiet" }),
    ];
  }

  /** The brush's radius, in percent of the picture's shorter side. */
  #setBrush() {
    const { painting, picture } = this.panel.session;
    if (painting) painting.radius = Math.max(1, Number(this.brush.value) / 100 * Math.min(picture.width, picture.height));
  }

  async #explain() {
    const { session } = this.panel, { view, image } = session;
    const mask = { b64: await session.painting.base64() };
    if (session.view === view && session.image === image) this.panel.set({ mask, class: String(this.#class) });
  }

  show() {
    const { painting, model, view } = this.panel.session;
    if (this.#model !== model) {
      this.#model = model;
      this.#class = view.target?.class === undefined ? null : classIndex(model, view.target.class);
      this.classes.input.value = this.#class === null ? "" : classLabel(model, this.#class);
    }
    this.#setBrush();
    for (const button of this.buttons) button.disabled = !painting || painting.isEmpty;
    if (this.#class === null) this.buttons[0].disabled = true;
    return [
      remark("Choose a class, and draw over a part of the picture: the class's score is summed there."),
      this.classes.element,
      make("label", { class: "field" }, make("span", { text: "Brush" }), this.brush), make("div", { class: "row" }, this.buttons),
    ];
  }
}

/** The likeness of another picture. */
class LikenessForm {
  title = "Likeness";

  constructor(panel) { this.panel = panel; }

  show() {
    const { session } = this.panel, others = session.images.filter((image) => image.id !== session.image);
    const references = others.map((image) => make("button", {
      type: "button", class: "reference", "aria-label": image.name ?? "picture",
      "aria-pressed": String(session.view.target?.embedding?.id === image.id),
      onclick: () => this.panel.set({ embedding: { id: image.id } }),
    }, session.thumbnail(image.id)));
    return [
      remark(others.length
        ? "What makes this picture like another one?" : "Add a second picture: the map shows what makes them alike."),
      make("div", { class: "references" }, references),
    ];
  }
}

/** Elements of a tensor. */
class ElementsForm {
  title = "Elements";

  constructor(panel) {
    this.panel = panel;
    this.input = make("input", { type: "text", "aria-label": "Elements", placeholder: "output[0,5]", spellcheck: "false" });
    this.form = make("form", { class: "row", onsubmit: (event) => {
      event.preventDefault();
      const elements = this.input.value.trim();
      if (elements) panel.set({ elements });
    } }, this.input, make("button", { text: "Explain" }));
  }

  show() {
    const asked = this.panel.session.view.target?.elements;
    if (asked && document.activeElement !== this.input) this.input.value = asked;
    const hasBoxes = this.panel.session.model.targets.includes("detection");
    return [
      remark("The sum of elements of an output or tensor, by NumPy's indices."),
      hasBoxes ? remark("Or a part of a box, the best being 0: mask:0, keypoint:0,nose or angle:0.") : null, this.form,
    ];
  }
}
