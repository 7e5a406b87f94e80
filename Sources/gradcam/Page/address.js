import { canonicalJSON } from "./arrays.js";

// What is seen, as the part of an address after '#', and back.

const simpleSettings = ["style", "colormap", "blend", "threshold"];

/** Whether a target can stand in an address: pictures in it are too long. */
function isShort(target) {
  return !canonicalJSON(target).includes('"b64"');
}

/**
 * The address of a state {image, active, linked, settings, views: [{model, node, method, target}]}, where `node` is what
 * `--node` takes. Settings equal to `defaults` are left out.
 */
export function addressOf(state, defaults) {
  const parameters = new URLSearchParams();
  state.views.forEach((view, index) => {
    const suffix = index === 0 ? "" : String(index + 1);
    const put = (name, value) => {
      if (value !== null && value !== undefined && value !== "") parameters.set(name + suffix, value);
    };
    put("model", view.model);
    put("node", view.node);
    put("method", view.method);
    const keys = Object.keys(view.target);
    if (keys.length === 1 && keys[0] === "class") put("class", view.target.class);
    else if (keys.length && isShort(view.target)) put("target", canonicalJSON(view.target));
  });
  if (state.image) parameters.set("image", state.image);
  if (state.active) parameters.set("view", String(state.active + 1));
  if (state.linked === false) parameters.set("linked", "no");
  for (const name of simpleSettings) {
    if (state.settings[name] !== defaults[name]) parameters.set(name, String(state.settings[name]));
  }
  if (state.settings.signed) parameters.set("signed", "yes");
  return parameters.toString().replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/** A number of 0…1 in an address, or the default. */
function share(text, otherwise) {
  const value = Number(text);
  return text !== null && text !== "" && value >= 0 && value <= 1 ? value : otherwise;
}

/** A target of an address; none for one that is no JSON object. */
function targetOf(text) {
  try {
    const target = JSON.parse(text);
    return target && typeof target === "object" && !Array.isArray(target) ? target : {};
  } catch {
    return {};
  }
}

/** The state that an address names; what it does not name is null, or as in `defaults`. Nothing in it is believed. */
export function stateOfAddress(address, defaults) {
  const parameters = new URLSearchParams(address.replace(/^#/, ""));
  const views = [];
  for (let index = 0; index < 4; index++) {
    const get = (name) => parameters.get(name + (index === 0 ? "" : String(index + 1)));
    if (index > 0 && !get("model")) break;
    const label = get("class"), target = get("target");
    views.push({
      model: get("model"), node: get("node"), method: get("method"),
      target: label ? { class: label } : target ? targetOf(target) : {},
    });
  }
  const active = Number(parameters.get("view") ?? 1) - 1;
  return {
    views,
    image: parameters.get("image"),
    active: Number.isInteger(active) && active >= 0 && active < views.length ? active : 0,
    linked: parameters.get("linked") !== "no",
    settings: {
      style: parameters.get("style") ?? defaults.style,
      colormap: parameters.get("colormap") ?? defaults.colormap,
      blend: share(parameters.get("blend"), defaults.blend),
      threshold: share(parameters.get("threshold"), defaults.threshold),
      signed: parameters.get("signed") === "yes",
    },
  };
}
