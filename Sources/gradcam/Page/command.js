// The command line that makes the picture that is seen.

const controls = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The bytes of a text as a shell writes them in `$'…'`. */
function octal(text) {
  return [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

/**
 * A word for a shell: as it is where that is safe, else in single quotes, with backslashes outside of them, since fish
 * obeys those inside. What a terminal would obey when it is pasted is written as escapes in `$'…'`.
 */
export function shellWord(text) {
  if (text.search(controls) >= 0) return `$'${text.replace(/['\\]/g, "\\$&").replace(controls, octal)}'`;
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(text) ? text : `'${text.replace(/['\\]/g, "'\\$&'")}'`;
}

/** The part of a file's name before its extension, of letters that every file system takes. */
export function stemOf(name) {
  return name.replace(/^.*[/\\]/, "").replace(/\.[^.]+$/, "").replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "-") || "picture";
}

/** The beginning of a text, of at most 58 bytes. */
function shortened(text) {
  let characters = [...text];
  while (new TextEncoder().encode(characters.join("")).length > 58) characters = characters.slice(0, -1);
  return characters.join("");
}

/**
 * A file's name for what is seen, without an extension: photo.resnet50.layer4.2.gradcam. With an extension, it fits the
 * 255 bytes of file systems.
 */
export function fileStem({ image, model, node, method }) {
  return [image ?? "picture", model, node, method].filter(Boolean)
    .map((part) => part.replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "-"))
    .map((part) => shortened(part.replace(/^[-.]+/, "")).replace(/[-.]+$/, "")).filter(Boolean).join(".");
}

/** How a picture is called on a command line: as the server's command line did, else by its file's name. */
function pathOf(image) {
  const path = image?.path ?? image?.name ?? "picture.png";
  return path.startsWith("-") ? `./${path}` : path;
}

/** An option with its value, also one that looks like an option. */
function option(name, value) {
  return String(value).startsWith("-") ? [`--${name}=${value}`] : [`--${name}`, String(value)];
}

/** Whether a target is the top class. */
export function isTopClass(target) {
  return Object.keys(target).every((key) => ["score", "counterfactual"].includes(key));
}

/** Whether a target is a detector's box, several, or a part of one. */
function isAboutBoxes({ detection, boxesOf, elements }) {
  return detection !== undefined || boxesOf !== undefined || /^(mask|keypoint|angle):\d/.test(elements ?? "");
}

/**
 * Options that choose the target. `shownClass` is the class that the top one turned out to be, or null; `columns` what the
 * numbers of boxes mean, if that was said.
 */
function targetWords(target, shownClass, images, columns) {
  const words = [];
  const add = (name, value) => words.push(...option(name, value));
  if (target.class !== undefined) add("class", target.class);
  else if (shownClass !== null && isTopClass(target)) add("class", shownClass);
  if (target.contrast !== undefined) add("contrast", target.contrast);
  if (target.elements !== undefined) add("target", target.elements);
  if (target.detection !== undefined) add("detection", target.detection);
  if (target.boxesOf !== undefined) add("boxes-of", target.boxesOf);
  if (target.iou !== undefined) add("iou", target.iou);
  if (isAboutBoxes(target)) for (const each of target.columns ?? columns) add("columns", each);
  if (target.embedding) add("embedding", pathOf(images.find((image) => image.id === target.embedding.id)));
  if (target.mask) add("mask", "mask.png");
  if (target.score === "probability") add("score", "probability");
  if (target.counterfactual) words.push("--counterfactual");
  return words;
}

/**
 * The command `gradcam explain …`, quoted for a shell.
 *
 * `seen` is {argument, options, columns, image, images, node, method, target, shownClass, settings, output}: the model as a
 * command line names it with its options, documents of pictures, what `--node` takes, and the rest as in the page's state.
 */
export function commandFor(seen) {
  const { settings } = seen;
  const words = ["gradcam", "explain", seen.argument, pathOf(seen.image), ...seen.options];
  if (seen.node) words.push(...option("node", seen.node));
  words.push(...targetWords(seen.target, seen.shownClass, seen.images, seen.columns ?? []), ...option("method", seen.method));
  if (settings.signed) words.push("--signed");
  if (settings.style !== "overlay") words.push("--style", settings.style);
  words.push("--colormap", settings.colormap, "--blend", String(settings.blend), "--output", `${seen.output}.png`);
  return words.map(shellWord).join(" ");
}

/** What the command cannot do of what is seen, as a sentence; null if it does all of it. `channel` is a single one. */
export function commandLimits(settings, target, channel = null) {
  if (channel) return "The command draws the node's map, not the single channel.";
  const parts = [];
  if (settings.threshold > 0) parts.push("the threshold");
  if (parts.length) return `The command draws without ${parts.join(" and ")}.`;
  if (target.mask) return "The command reads the part that you drew from mask.png: save it with the button for that.";
  return null;
}
