import { fill, make, refill } from "./dom.js";
import { kindOfTarget, targetForms } from "./forms.js";

/** Whether a target can be a probability: those of classes can. */
function hasProbability(target) {
  return ["class", "contrast"].includes(kindOfTarget(target)) || target.mask !== undefined;
}

/** Chooses what is explained: the kind of target, its form, and what changes any of them. */
export class TargetPanel {
  /** The kind whose form is shown, if it is another one than that of the view's target. */
  #kind = null;

  constructor(session, views, host) {
    this.session = session;
    this.views = views;
    this.forms = targetForms(this);
    this.segments = make("div", { class: "segments", role: "radiogroup", "aria-label": "What is explained" });
    this.body = make("div", { class: "target-body" });
    this.description = make("p", { class: "quiet-text" });
    this.score = make("select", { "aria-label": "Score", onchange: () => this.#modify() },
      make("option", { value: "logit", text: "Score before Softmax" }),
      make("option", { value: "probability", text: "Probability" }));
    this.against = make("input", { type: "checkbox", onchange: () => this.#modify() });
    const against = make("label", {}, this.against, "What speaks against it");
    this.modifiers = make("div", { class: "row modifiers" }, this.score, against);
    host.append(this.segments, this.body, this.description, this.modifiers);
    for (const type of ["views", "question"]) {
      session.addEventListener(type, () => {
        this.#kind = null;
        this.show();
      });
    }
    for (const type of ["picture", "answer", "painted"]) session.addEventListener(type, () => this.show());
  }

  /** Asks for a target, with the score and sign chosen below it. */
  set(target) {
    if (this.score.value === "probability" && hasProbability(target)) target.score = "probability";
    if (this.against.checked) target.counterfactual = true;
    this.session.setTarget(target);
  }

  #modify() {
    if (!this.session.view.target) return;
    const { score, counterfactual, ...target } = this.session.view.target;
    this.set(target);
  }

  /** The target of the top class; in a file, that of a class with maps of the method. */
  #heldClass() {
    const { source, view, image } = this.session;
    const held = source.isFile ? source.held(view.model, image) : [];
    return { ...held.find((entry) => entry.method === view.method && kindOfTarget(entry.target) === "class")?.target };
  }

  /** Shows the form of a kind of target; a kind that needs no choice is asked for at once. */
  #choose(kind) {
    const asked = kindOfTarget(this.session.view.target);
    this.#kind = kind;
    this.views.paint(kind === "segmentation");
    if (kind === "detection" && asked !== kind) this.set({ detection: 0 });
    else if (kind === "class" && asked !== kind && this.session.model.target !== null) this.set(this.#heldClass());
    else this.show();
    this.segments.querySelector(":checked")?.focus();
  }

  /** Shows what the session says, the form also if that is the same as before and `isChanged`. */
  show(isChanged = false) {
    const { session } = this, { model, view, painting } = session;
    if (!model) return;
    const { isFile } = session.source;
    const kinds = model.targets.filter((kind) => this.forms[kind] && (!isFile || kind === "class"));
    const asked = kindOfTarget(view.target);
    const usual = asked === null || (asked === "class" && !kinds.includes("class")) ? kinds[0] : asked;
    const kind = this.#kind ?? usual;
    if (kind !== "segmentation" && painting) this.views.paint(false);
    this.#showKinds(kinds.includes(kind) ? kinds : [...kinds, kind], kind);

    this.score.value = view.target?.score ?? "logit";
    this.against.checked = Boolean(view.target?.counterfactual);
    this.modifiers.hidden = session.source.isFile;
    this.score.hidden = !["class", "contrast", "segmentation"].includes(kind);
    const { reading } = session, { explanation } = session.state();
    const isPlain = kind === "class" && typeof explanation?.document.target.class === "number";
    this.description.textContent = kind === asked && !isPlain ? explanation?.document.target.description ?? "" : "";
    const known = [kind, model, view, view.target, view.method, session.image, session.images.length, reading, explanation];
    const drawn = [session.painting, session.painting?.isEmpty, isChanged ? {} : null];
    refill(this.body, [...known, ...drawn], () => this.forms[kind].show(reading));
  }

  #showKinds(kinds, chosen) {
    this.segments.hidden = kinds.length < 2;
    const signature = `${kinds.join()} ${chosen}`;
    if (this.segments.dataset.signature === signature) return;
    this.segments.dataset.signature = signature;
    fill(this.segments, kinds.map((kind) => make("label", {},
      make("input", { type: "radio", name: "target", value: kind, checked: kind === chosen, onchange: () => this.#choose(kind) }),
      make("span", { text: this.forms[kind].title }))));
  }
}
