import { fill, icon, make, refill, shortNumber, textButton } from "./dom.js";
import { shapeText } from "./operators.js";

// Smaller panels: the method, how heat is drawn, facts of the node, and the single channels.

/** A text with a capital letter and a full stop. */
export function asSentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;
}

/** Chooses the method. */
export function showMethods(session, host) {
  const select = make("select", { "aria-label": "Method", onchange: () => session.setMethod(select.value) });
  const summary = make("p", { class: "quiet-text optional" });
  const option = (method) => make("option", { value: method.name, text: method.name });
  host.append(select, summary);
  const show = () => {
    if (!session.view) return;
    const { source, view, image, about } = session;
    const held = source.isFile ? source.held(view.model, image).map((entry) => entry.method) : [];
    const methods = about.methods.filter((method) => held.length === 0 || held.includes(method.name));
    const names = methods.map((method) => method.name).join();
    if (select.dataset.names !== names) {
      select.dataset.names = names;
      const group = (label, isQuick) => {
        const some = methods.filter((method) => method.quick === isQuick);
        return some.length ? [make("optgroup", { label }, some.map(option))] : [];
      };
      fill(select, group("At once", true), group("Take a while", false));
    }
    select.value = session.view.method;
    const method = session.about.methods.find((method) => method.name === session.view.method);
    const sentences = [
      method?.summary, method?.perNode === false ? "One map for the whole network" : null,
      method?.quick === false ? "Runs the network again" : null,
    ];
    summary.textContent = sentences.filter(Boolean).map(asSentence).join(" ");
  };
  for (const type of ["views", "question", "picture"]) session.addEventListener(type, show);
}

/** Chooses how heat is drawn. */
export function showDrawing(session, host) {
  const choice = (label, name, values) => {
    const options = values.map((value) => make("option", { value, text: value }));
    const select = make("select", { onchange: () => session.setSettings({ [name]: select.value }) }, options);
    host.append(make("label", { class: "field" }, make("span", { text: label }), select));
    return () => { select.value = session.settings[name]; };
  };
  const slider = (label, name, title) => {
    const input = make("input", { type: "range", min: "0", max: "1", step: "0.01", title });
    input.addEventListener("input", () => session.setSettings({ [name]: Number(input.value) }));
    const value = make("output");
    host.append(make("label", { class: "field slider" }, make("span", { text: label }), input, value));
    return () => {
      input.value = session.settings[name];
      value.textContent = session.settings[name].toFixed(2);
    };
  };
  let parts = null;
  const show = () => {
    if (!session.about) return;
    if (!parts) {
      parts = [
        choice("Style", "style", session.about.styles), choice("Colours", "colormap", Object.keys(session.about.colormaps)),
        slider("Picture", "blend", "Weight of the picture against the heat"),
        slider("Threshold", "threshold", "Hides heat below this value"),
      ];
      const signed = make("input", { type: "checkbox", onchange: () => session.setSettings({ signed: signed.checked }) });
      const poles = [make("i", { class: "against" }), make("i", { class: "for" })];
      host.append(make("label", { class: "field check", title: "Orange speaks for the target, blue against it" },
        signed, make("span", { text: "For and against" }), make("span", { class: "poles", "aria-hidden": "true" }, poles)));
      parts.push(() => { signed.checked = session.settings.signed; });
    }
    for (const part of parts) part();
  };
  for (const type of ["views", "settings"]) session.addEventListener(type, show);
}

/** A button that copies a text and says so. */
function copyButton(label, text, say) {
  return make("button", { type: "button", class: "quiet square", "aria-label": label, title: label, onclick: async () => {
    await copyText(text());
    say?.("Copied.");
  } }, icon("copy"));
}

/** Copies a text, also where the browser gives no clipboard to pages that are not from a safe address. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "unseen", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** What is known of the current node. */
export function showFacts(session, host) {
  const show = () => {
    const node = session.node();
    if (!node) return refill(host, [], () => []);
    const { map } = session.state();
    refill(host, [node, map], () => factsOf(session, node, map));
  };
  for (const type of ["views", "node", "answer"]) session.addEventListener(type, show);
}

/** The elements that say what is known of a node. */
function factsOf(session, node, map) {
  const { model } = session, facts = [];
  const add = (name, value) => {
    if (value) facts.push(make("div", {}, make("dt", { text: name }), make("dd", {}, value)));
  };
  add("Shape", shapeText(node.shape));
  if (map) add("Map", `${map.height} × ${map.width}`);
  add("Module", node.module);
  add("Name", node.name !== node.query ? node.name : null);
  add("Tensor", node.tensor);
  add("Index", `#${node.index}`);
  for (const [name, value] of Object.entries(node.attributes ?? {})) add(name, String(value));
  if (node.folded?.length) add("Folded in", [...new Set(node.folded)].join(", "));
  const links = (indices) => indices.slice(0, 12).map((index) => {
    const other = model.byIndex.get(index);
    return other && textButton(other.query, () => session.selectNode(index), { class: "link" });
  }).filter(Boolean);
  add("Reads", node.inputs.length ? make("span", { class: "links" }, links(node.inputs)) : null);
  add("Read by", node.outputs.length ? make("span", { class: "links" }, links(node.outputs)) : null);
  const warnings = (map?.warnings ?? []).map((warning) => make("li", { text: asSentence(warning.text) }));
  return [
    make("header", {}, make("h2", {}, make("span", { text: node.operator }), make("code", { text: node.query })),
      copyButton(`Copy --node ${node.query}`, () => node.query, (text) => session.notify(text))),
    warnings.length ? make("ul", { class: "warnings" }, warnings) : null,
    make("dl", { tabindex: "0", "aria-label": "Facts of the node" }, facts),
  ];
}

/** Warnings of the model and of the answer, and how long it took. */
export function showReadings(session, host) {
  const show = () => {
    const { model } = session, document = session.state().explanation?.document;
    if (!model) return;
    const all = [...model.warnings, ...(document?.warnings ?? [])];
    const warnings = [...new Set(all.map((warning) => asSentence(warning.text)))];
    const times = document?.milliseconds;
    const facts = [
      `${(model.parameters / 1e6).toFixed(1)} million parameters`, model.producer,
      model.inputs.map((input) => `${input.name} ${(input.shape ?? []).join(" × ")}`).join("; "), model.preprocessing,
      times ? `forward ${shortNumber(Math.round(times.forward))} ms, maps ${shortNumber(Math.round(times.maps))} ms` : null,
    ];
    const count = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
    const note = warnings.length ? make("span", { class: "count", text: count }) : null;
    fill(host.parentElement.querySelector("summary"), "Model", note);
    const lines = warnings.map((text) => make("li", { text }));
    fill(host, lines.length ? make("ul", { class: "warnings" }, lines) : null,
      make("ul", { class: "readings" }, facts.filter(Boolean).map((text) => make("li", { text }))));
  };
  for (const type of ["views", "question", "picture", "answer"]) session.addEventListener(type, show);
}
