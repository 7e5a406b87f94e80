import { bytesOfBase64, canonicalJSON } from "./arrays.js";
import { isTopClass, shellWord } from "./command.js";

// Where documents come from: a server, or the data of a file.

/** Why a question has no answer, with what to do. */
export class Refusal extends Error {
  constructor(text, advice = null, code = null) {
    super(text);
    this.advice = advice;
    this.code = code;
  }

  /** All of it as one line. */
  get line() {
    if (!this.advice) return this.message;
    return this.message.endsWith(".") ? `${this.message} ${this.advice}` : `${this.message}; ${this.advice}`;
  }
}

/** The refusal that an answer of the server stands for. */
async function refusalOf(response) {
  if (response.status === 401) {
    return new Refusal("This page may no longer ask the server.", "Open the address that 'gradcam serve' printed.");
  }
  try {
    const { error, advice, code } = await response.json();
    return new Refusal(error, advice, code);
  } catch {
    return new Refusal(`The server answered ${response.status}.`, "Try again.");
  }
}

/** What comes before the first line's end of each chunk, joined: lines of a stream, however long. */
async function* linesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const pieces = value.split("\n");
    for (const piece of pieces.slice(0, -1)) {
      parts.push(piece);
      yield parts.join("");
      parts = [];
    }
    parts.push(pieces.at(-1));
  }
  if (parts.join("")) yield parts.join("");
}

/** Asks the server that the page came from. */
export class ServerSource {
  isFile = false;

  async #ask(address, options = {}) {
    let response;
    try {
      response = await fetch(address, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal("The server does not answer.", "Start 'gradcam serve' again and reload the page.");
    }
    if (!response.ok) throw await refusalOf(response);
    return response;
  }

  async about() { return (await this.#ask("v1")).json(); }

  async model(name) { return (await this.#ask(`v1/models/${encodeURIComponent(name)}`)).json(); }

  async picture(id) { return (await this.#ask(`v1/images/${id}`)).blob(); }

  async addPicture(blob) { return (await this.#ask("v1/images", { method: "POST", body: blob })).json(); }

  async removePicture(id) { await this.#ask(`v1/images/${id}`, { method: "DELETE" }); }

  async page() { return (await this.#ask("standalone.html")).text(); }

  /** An Explanation of one picture. `progress` is called with a share of 0…1. */
  async explain(model, image, parameters, options) {
    const result = await this.#compute(`v1/models/${encodeURIComponent(model)}:explain`, image, parameters, options);
    return result.explanations[0];
  }

  async channels(model, image, parameters, options) {
    return this.#compute(`v1/models/${encodeURIComponent(model)}:channels`, image, parameters, options);
  }

  async #compute(address, image, parameters, { signal, progress }) {
    const body = JSON.stringify({ instances: [{ image: { id: image } }], parameters });
    const headers = { "Content-Type": "application/json", Accept: "application/x-ndjson" };
    const response = await this.#ask(address, { method: "POST", headers, body, signal });
    for await (const line of linesOf(response.body)) {
      if (!line) continue;
      const document = JSON.parse(line);
      if (document.error !== undefined) throw new Refusal(document.error, document.advice, document.code);
      if (document.result !== undefined) return document.result;
      if (document.progress !== undefined) progress?.(document.progress);
    }
    throw new Refusal("The server ended its answer early.", "Try again.");
  }
}

/**
 * Whether what a file holds answers a target. A class is the same by its number, by its label, and as the top one.
 */
export function answersTarget({ target, explanation }, asked) {
  const meant = ({ class: label, ...rest }) => {
    const { class: shown, name } = explanation.target;
    const isTop = isTopClass(rest) && shown === explanation.classes?.[0]?.index;
    const isShown = label === undefined ? isTop : label === String(shown) || label === name;
    return canonicalJSON({ ...rest, ...(isShown ? { class: String(shown) } : label === undefined ? {} : { class: label }) });
  };
  return canonicalJSON(target) === canonicalJSON(asked) || meant(target) === meant(asked);
}

/** Answers from the data that a file holds. */
export class FileSource {
  isFile = true;
  #data;

  constructor(data) { this.#data = data; }

  /** The address of what is seen at first, if it is not what the file holds first. */
  get view() { return this.#data.view; }

  async about() { return this.#data.about; }

  async model(name) { return this.#data.models[name]; }

  async picture(id) { return new Blob([bytesOfBase64(this.#data.images[id].png)], { type: "image/png" }); }

  async addPicture() { throw this.refusal("other pictures"); }

  async removePicture() { throw this.refusal("other pictures"); }

  /** What the file holds of a model and a picture: methods and targets with maps. */
  held(model, image) {
    return this.#data.explanations.filter((entry) => entry.model === model && entry.image === image);
  }

  /** What the file shows at first: {model, image, method, target}. */
  get first() { return this.#data.explanations[0]; }

  async explain(model, image, { method, target }) {
    const entry = this.held(model, image).find((entry) => entry.method === method && answersTarget(entry, target));
    if (entry) return entry.explanation;
    throw this.refusal(method === "gradcam" ? "this" : `this with '${method}'`);
  }

  async channels() { throw this.refusal("single channels"); }

  /** Says that a question needs the program. */
  refusal(what) {
    const models = Object.values(this.#data.models), [image] = this.#data.about.images;
    const options = models.length === 1 ? models[0].options ?? [] : [];
    const words = [...models.map((model) => model.argument), image?.path ?? image?.name ?? "IMAGE", ...options];
    const command = ["gradcam", "serve", ...words].map(shellWord).join(" ");
    return new Refusal(`This file does not hold ${what}.`, `For more, run: ${command}`);
  }
}
