import { arrayDocument, canonicalJSON, floatsOf } from "./arrays.js";
import { Refusal } from "./source.js";

// What was asked of the source, kept: maps of all nodes stay in memory, so that a click only draws.

/** An answer: the document, and its maps by node, decoded when they are first drawn. */
export class Explanation {
  #maps = new Map();
  #decoded = new Map();

  constructor(document) {
    this.document = document;
    this.add(document);
  }

  /** Takes the maps of another answer to the same question for further nodes. */
  add(document) {
    for (const map of document.maps) this.#maps.set(map.node, map);
  }

  /** The size in memory, roughly. */
  get byteCount() {
    let count = 0;
    for (const map of this.#maps.values()) count += 4 * map.map.shape[0] * map.map.shape[1];
    return 1.4 * count;
  }

  get nodes() { return [...this.#maps.keys()]; }

  /** The map at a node, as the drawing takes it; for a method without nodes, the only one. Null if there is none. */
  map(node) {
    const found = this.#maps.get(node) ?? (this.isWhole ? this.#maps.values().next().value : undefined);
    if (!found) return null;
    const key = found.node;
    if (!this.#decoded.has(key)) {
      const [height, width] = found.map.shape.slice(-2);
      const values = floatsOf(found.map);
      // The text is no longer needed.
      found.map = { shape: found.map.shape };
      this.#decoded.set(key, {
        node: key, width, height, values, region: found.region ?? null, rectified: found.rectified,
        empty: found.empty ?? false, warnings: found.warnings ?? [],
      });
    }
    return this.#decoded.get(key);
  }

  /** The document with all its maps, as a file holds it. */
  complete() {
    const maps = [...this.#maps.values()].map((map) =>
      map.map.data ? map : { ...map, map: arrayDocument(this.#decoded.get(map.node).values, map.map.shape) });
    return { ...this.document, maps };
  }
}

/** Asks and keeps explanations; the oldest are given up beyond about 600 MB. */
export class Explanations {
  #kept = new Map();
  #asked = new Map();
  #limit = 600e6;
  /** What is asked of models for one node at a time, as the method is undefined at others. */
  #nodewise = new Set();

  /** `methods` are those of the server; `changed` is called with the key of a question whose state changed. */
  constructor(source, methods, changed) {
    this.source = source;
    this.methods = new Map(methods.map((method) => [method.name, method]));
    this.changed = changed;
  }

  /** Whether one question gives the maps of all nodes. */
  #givesAll(question) {
    const { quick = true, perNode = true } = this.methods.get(question.method) ?? {};
    return perNode && quick && !this.#nodewise.has(this.key({ ...question, image: "" }));
  }

  /** The key of a question without its node. */
  key({ model, image, method, target }) {
    return [model, image, method, canonicalJSON(target)].join("\n");
  }

  /** What is known: {explanation, map, progress, refusal}, each null where there is none. */
  state(question) {
    const explanation = this.#kept.get(this.key(question)) ?? null;
    const asked = this.#asked.get(this.#askedKey(question));
    return {
      explanation, map: explanation?.map(question.node) ?? null,
      progress: asked?.progress ?? null, refusal: asked?.refusal ?? null,
    };
  }

  /** Asks for what a question lacks, `again` if it was refused or stopped; the answer, or null if there is none. */
  async ask(question, again = false) {
    const known = this.#kept.get(this.key(question));
    if (known && (known.map(question.node) || this.#givesAll(question))) {
      this.#touch(this.key(question));
      return known;
    }
    const key = this.#askedKey(question);
    const running = this.#asked.get(key);
    if (running && !running.isUnwanted && (!running.refusal || !again)) return running.promise;
    const entry = { progress: 0, refusal: null, controller: new AbortController() };
    this.#asked.set(key, entry);
    entry.promise = this.#run(question, key, entry);
    this.changed(question);
    return entry.promise;
  }

  async #run(question, key, entry) {
    const { model, image, method, target, node } = question;
    const isWhole = this.methods.get(method)?.perNode === false;
    const nodes = this.#givesAll(question) ? "all" : isWhole ? ["auto"] : [`#${node}`];
    try {
      const document = await this.source.explain(model, image, { nodes, method, target, classes: 10 }, {
        signal: entry.controller.signal,
        progress: (share) => {
          entry.progress = share;
          this.changed(question);
        },
      });
      this.#asked.delete(key);
      this.#keep(question, document, nodes);
      return this.#kept.get(this.key(question));
    } catch (error) {
      if (entry.isUnwanted) {
        if (this.#asked.get(key) === entry) this.#asked.delete(key);
        return null;
      }
      if (nodes === "all" && error.code === "unsupported") {
        // What one node refuses, others may answer.
        this.#asked.delete(key);
        this.#nodewise.add(this.key({ ...question, image: "" }));
        return this.ask(question);
      }
      const text = error.name === "AbortError" ? "Stopped." : error.message;
      entry.refusal = error instanceof Refusal ? error : new Refusal(text);
      return null;
    } finally {
      this.changed(question);
    }
  }

  /** Ends a computation. */
  cancel(question) {
    this.#asked.get(this.#askedKey(question))?.controller.abort();
  }

  /** Ends the computations that none of some questions waits for, so that these need not wait for them. */
  keepOnly(questions) {
    const wanted = new Set(questions.map((question) => this.#askedKey(question)));
    for (const [key, entry] of this.#asked) {
      if (wanted.has(key) || entry.refusal || entry.isUnwanted) continue;
      entry.isUnwanted = true;
      entry.controller.abort();
    }
  }

  /** All that is kept: {model, image, method, target, explanation}, the top class without its number. */
  held() {
    const questions = new Map();
    for (const [key, explanation] of this.#kept) {
      const known = questions.get(explanation);
      if (!known || key.length < known.length) questions.set(explanation, key);
    }
    return [...questions].map(([explanation, key]) => {
      const [model, image, method, target] = key.split("\n");
      return { model, image, method, target: JSON.parse(target), explanation };
    });
  }

  /** What a model said of a picture, whatever it was asked: the document of an explanation, or null. */
  reading({ model, image }) {
    for (const [key, explanation] of this.#kept) if (key.startsWith(`${model}\n${image}\n`)) return explanation.document;
    return null;
  }

  #askedKey(question) {
    return this.#givesAll(question) ? this.key(question) : `${this.key(question)}\n${question.node}`;
  }

  #keep(question, document, nodes) {
    const key = this.key(question), known = this.#kept.get(key);
    if (known) known.add(document);
    else this.#kept.set(key, new Explanation(document));
    const explanation = this.#kept.get(key);
    explanation.isWhole = this.methods.get(question.method)?.perNode === false;
    // The class that turned out to be the top one is the same question, asked by its number.
    const top = document.target.class;
    if (nodes === "all" && top !== null && top !== undefined && Object.keys(question.target).length === 0) {
      this.#kept.set(this.key({ ...question, target: { class: String(top) } }), explanation);
    }
    let count = 0;
    const distinct = new Set(this.#kept.values());
    for (const kept of distinct) count += kept.byteCount;
    for (const [oldest, kept] of this.#kept) {
      if (count <= this.#limit || kept === explanation) break;
      this.#kept.delete(oldest);
      if (![...this.#kept.values()].includes(kept)) count -= kept.byteCount;
    }
  }

  #touch(key) {
    const explanation = this.#kept.get(key);
    this.#kept.delete(key);
    this.#kept.set(key, explanation);
  }
}
