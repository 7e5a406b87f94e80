import { classItems, makeCombobox } from "./combobox.js";
import { answersTarget } from "./source.js";
import { fill, make, percent, refill, saveFile } from "./dom.js";

const titles = {
  class: "Class", contrast: "A over B", detection: "Box", segmentation: "Part", embedding: "Likeness", elements: "Elements",
};

/** The kind of a target. */
function kindOfTarget(target) {
  if (target === null) return null;
  if (target.contrast !== undefined) return "contrast";
  if (target.detection !== undefined) return "detection";
  if (target.mask !== undefined) return "segmentation";
  if (target.embedding !== undefined) return "embedding";
  if (target.elements !== undefined) return "elements";
  return "class";
}

/** Chooses what is explained: a class, one over another, a box, a part, the likeness of another picture, or elements. */
export class TargetPanel {
  #kind = null;
  #contrast = [null, null];

  constructor(session, views, host) {
    this.session = session;
    this.views = views;
    this.segments = make("div", { class: "segments", role: "radiogroup", "aria-label": "What is explained" });
    this.body = make("div", { class: "target-body" });
    this.description = make("p", { class: "quiet-text" });
    this.score = make("select", { "aria-label": "Score", onchange: () => this.#modify() },
      make("option", { value: "logit", text: "Score before Softmax" }), make("option", { value: "probability", text: "Probability" }));
    this.against = make("input", { type: "checkbox", onchange: () => this.#modify() });
    this.modifiers = make("div", { class: "row modifiers" }, this.score, make("label", {}, this.against, "What speaks against it"));
    host.append(this.segments, this.body, this.description, this.modifiers);
    this.#makeParts();
    for (const type of ["views", "question", "picture"]) {
      session.addEventListener(type, () => {
        if (type !== "picture") this.#kind = null;
        this.show();
      });
    }
    session.addEventListener("answer", () => this.show());
    session.addEventListener("painted", () => this.show());
  }

  /** The label of a class. */
  #label(index) { return this.session.model?.classes?.[index] ?? `class ${index}`; }

  /** The number of a class that is given as its number or label; null if there is none. */
  #indexOf(name) {
    if (/^\d+$/.test(name)) return Number(name);
    const index = this.session.model.classes?.indexOf(name) ?? -1;
    return index < 0 ? null : index;
  }

  #makeParts() {
    const items = (query) => classItems(this.session.model, query);
    this.otherClass = makeCombobox({
      label: "Another class", placeholder: "Another class…", items: (query) => (query ? items(query) : []), choose: (index) => this.#set({ class: String(index) }),
      empty: "No class is called so.",
    });
    this.pair = ["A", "B"].map((letter, position) => makeCombobox({
      label: `Class ${letter}`, placeholder: position ? "rather than B…" : "A…", keepsText: true, items, choose: (index) => {
        this.#contrast[position] = index;
        if (this.#contrast.every((index) => index !== null)) this.#set({ contrast: this.#contrast.join(",") });
      },
    }));
    this.partClass = makeCombobox({
      label: "Class of the part", placeholder: "Class (the top one)…", keepsText: true, items, choose: (index) => { this.partIndex = index; },
    });
    this.elements = make("input", { type: "text", "aria-label": "Elements", placeholder: "output[0,5]", spellcheck: "false" });
    this.explainPart = make("button", { type: "button", text: "Explain the part", onclick: () => this.#explainPart() });
    this.clearPart = make("button", { type: "button", class: "quiet", text: "Clear", onclick: () => this.views.paint(true) });
    this.brush = make("input", { type: "range", min: "1", max: "12", step: "0.5", "aria-label": "Width of the brush", title: "Width of the brush", oninput: () => this.#setBrush() });
    this.brush.value = "3";
    this.savePart = make("button", {
      type: "button", class: "quiet", text: "Save mask.png", onclick: async () => saveFile(await this.session.painting.png(), "mask.png"),
    });
  }

  /** Sets a target, with the score and sign chosen below it. */
  #set(target) {
    if (this.score.value === "probability") target.score = "probability";
    if (this.against.checked) target.counterfactual = true;
    this.session.setTarget(target);
  }

  #modify() {
    if (!this.session.view.target) return;
    const { score, counterfactual, ...target } = this.session.view.target;
    this.#set(target);
  }

  /** The brush's radius, in percent of the picture's shorter side. */
  #setBrush() {
    const { painting, picture } = this.session;
    if (painting) painting.radius = Math.max(1, Number(this.brush.value) / 100 * Math.min(picture.width, picture.height));
  }

  async #explainPart() {
    const target = { mask: { b64: await this.session.painting.base64() } };
    const top = this.session.state().explanation?.document.classes?.[0]?.index;
    target.class = String(this.partIndex ?? top ?? 0);
    this.#set(target);
  }

  #choose(kind) {
    this.#kind = kind;
    this.views.paint(kind === "segmentation");
    if (kind === "detection" && this.session.view.target?.detection === undefined) return this.#set({ detection: 0 });
    if (kind === "class" && kindOfTarget(this.session.view.target) !== "class") return this.#set({});
    this.show();
    this.segments.querySelector(":checked")?.focus();
  }

  show() {
    const { session } = this, { model, view } = session;
    if (!model) return;
    const kinds = session.source.isFile ? ["class"] : model.targets;
    const asked = kindOfTarget(view.target);
    const kind = this.#kind ?? (asked === null || (asked === "class" && !kinds.includes("class")) ? kinds[0] : asked), shownKinds = kinds.includes(kind) ? kinds : [...kinds, kind];
    if (kind !== "segmentation" && session.painting) this.views.paint(false);
    this.segments.hidden = shownKinds.length < 2;
    const signature = shownKinds.join() + kind;
    if (this.segments.dataset.signature !== signature) {
      this.segments.dataset.signature = signature;
      fill(this.segments, shownKinds.map((name) => make("label", {},
        make("input", { type: "radio", name: "target", value: name, checked: name === kind, onchange: () => this.#choose(name) }),
        make("span", { text: titles[name] ?? name }))));
    }
    this.score.value = view.target?.score ?? "logit";
    this.against.checked = Boolean(view.target?.counterfactual);
    this.modifiers.hidden = session.source.isFile;
    const document = session.reading;
    this.description.textContent = kind !== "class" && kind === kindOfTarget(view.target) ? document?.target.description ?? "" : "";
    const { painting, images, image } = session;
    refill(this.body, [kind, model, image, view, view.target, view.method, document, session.state().explanation, painting, painting?.isEmpty, this.#contrast.join(), images.length],
      () => this.#parts(kind, document));
  }

  #parts(kind, document) {
    const { session } = this;
    switch (kind) {
      case "contrast": {
        const asked = session.view.target?.contrast?.split(",").map((name) => this.#indexOf(name.trim()));
        if (asked?.length === 2) this.#contrast = asked;
        else if (this.#contrast.every((index) => index === null) && document?.classes?.length > 1) {
          this.#contrast = document.classes.slice(0, 2).map((entry) => entry.index);
        }
        this.pair.forEach((box, position) => {
          if (this.#contrast[position] !== null && window.document.activeElement !== box.input) box.input.value = this.#label(this.#contrast[position]);
        });
        const go = make("button", { type: "button", text: "Explain", disabled: this.#contrast.includes(null), onclick: () => this.#set({ contrast: this.#contrast.join(",") }) });
        return [make("p", { class: "quiet-text", text: "Evidence for one class rather than another." }), make("div", { class: "pair" }, this.pair.map((box) => box.element), go)];
      }
      case "detection": {
        // Without a list of boxes, their ranks can be chosen.
        const boxes = document?.boxes ?? Array.from({ length: 10 }, (_, rank) => ({ rank, label: `Box ${rank + 1}${rank ? "" : ", the best"}` }));
        return [document?.boxes ? make("p", { class: "quiet-text", text: "Click a box in the picture or here." }) : null, this.#bars(boxes.map((box) => ({
          label: box.label ?? `class ${box.class}`, share: box.score, pressed: session.view.target?.detection === box.rank, choose: () => this.#set({ detection: box.rank }),
        })), "Boxes")];
      }
      case "segmentation":
        this.#setBrush();
        for (const button of [this.explainPart, this.clearPart, this.savePart]) button.disabled = !session.painting || session.painting.isEmpty;
        return [make("p", { class: "quiet-text", text: "Draw over a part of the picture: the class's score is summed there." }), this.partClass.element,
          make("label", { class: "field" }, make("span", { text: "Brush" }), this.brush),
          make("div", { class: "row" }, this.explainPart, this.clearPart, this.savePart)];
      case "embedding": {
        const others = session.images.filter((image) => image.id !== session.image);
        return [make("p", { class: "quiet-text", text: others.length ? "What makes this picture like another one?" : "Add a second picture to compare with." }),
          make("div", { class: "references" }, others.map((image) => make("button", {
            type: "button", class: "reference", "aria-pressed": String(session.view.target?.embedding?.id === image.id), "aria-label": image.name ?? "picture",
            onclick: () => this.#set({ embedding: { id: image.id } }),
          }, session.thumbnail(image.id))))];
      }
      case "elements": {
        if (window.document.activeElement !== this.elements) this.elements.value = session.view.target?.elements ?? this.elements.value;
        const form = make("form", { class: "row", onsubmit: (event) => {
          event.preventDefault();
          if (this.elements.value.trim()) this.#set({ elements: this.elements.value.trim() });
        } }, this.elements, make("button", { text: "Explain" }));
        return [make("p", { class: "quiet-text", text: "The sum of elements of an output or tensor, by NumPy's indices." }), form];
      }
      default: {
        const answer = session.state().explanation?.document, chosen = answer ? answer.target.class ?? null : this.#askedClass(document);
        const entries = (document?.classes ?? []).map((entry) => {
          const label = entry.label ?? `class ${entry.index}`, isHeld = this.#isHeld(entry.index);
          return {
            label, share: entry.probability, pressed: entry.index === chosen, isHeld, title: `class ${entry.index}, score ${entry.logit?.toFixed(2) ?? "–"}`,
            choose: () => isHeld ? this.#set({ class: String(entry.index) }) : session.refuse(session.source.refusal(`maps of '${label}'`)),
          };
        });
        if (chosen !== null && !entries.some((entry) => entry.pressed)) {
          entries.push({ label: this.#label(chosen), share: null, pressed: true, choose: () => {} });
        }
        return [this.#bars(entries, "Classes, the most probable first"), session.source.isFile ? null : this.otherClass.element];
      }
    }
  }

  /** The class that the view asks for: the top one where it asks for none. */
  #askedClass(document) {
    const { target } = this.session.view;
    return target?.class !== undefined ? this.#indexOf(target.class) : kindOfTarget(target) === "class" ? document?.classes?.[0]?.index ?? null : null;
  }

  /** Whether a class can be explained: in a file, only some can. */
  #isHeld(index) {
    const { source, view, image } = this.session;
    return !source.isFile || source.held(view.model, image).some((entry) => entry.method === view.method && answersTarget(entry, { class: String(index) }));
  }

  /** A list of buttons with bars of their shares. */
  #bars(entries, label) {
    const list = make("ul", { class: "bars", "aria-label": label }, entries.map((entry) => {
      const bar = make("span", { class: "length" });
      bar.style.width = `${100 * Math.min(1, Math.max(0, entry.share ?? 0))}%`;
      return make("li", {}, make("button", {
        type: "button", class: entry.isHeld === false ? "bar other" : "bar", "aria-pressed": String(entry.pressed), onclick: entry.choose, title: entry.title,
      }, make("span", { class: "title", text: entry.label }), make("span", { class: "share", text: entry.share === null || entry.share === undefined ? "" : percent(entry.share) }), make("span", { class: "track" }, bar)));
    }));
    return list;
  }
}
