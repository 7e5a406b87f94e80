import { byId, fill, icon, iconButton, make, refill, textButton } from "./dom.js";

/** The extensions of pictures that many browsers do not know as such; the server reads them. */
const unknownToBrowsers = [".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".dib"];

/** Whether a file may be a picture. */
function isPicture({ type, name }) {
  return type.startsWith("image/") || unknownToBrowsers.some((extension) => name.toLowerCase().endsWith(extension));
}

/** Pictures: dropped, pasted, chosen, taken with the camera; a strip of them. */
export class ImagePanel {
  constructor(session, strip, invitation) {
    this.session = session;
    this.strip = strip;
    this.invitation = invitation;
    this.chooser = make("input", { type: "file", accept: `image/*,${unknownToBrowsers.join()}`, multiple: true, hidden: true });
    this.chooser.addEventListener("change", () => {
      this.#add(this.chooser.files);
      this.chooser.value = "";
    });
    document.body.append(this.chooser);
    for (const type of ["picture", "views"]) session.addEventListener(type, () => this.show());
    this.#listen();
  }

  #add(files) {
    const { session } = this;
    if (session.source.isFile) return session.refuse(session.source.refusal("other pictures"));
    const pictures = [...files].filter((file) => isPicture(file));
    const [other] = [...files].filter((file) => !pictures.includes(file));
    if (other) session.notify(`${other.name} is no picture.`, "Give PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, PGM or PBM files.");
    if (pictures.length) session.addPictures(pictures);
  }

  #listen() {
    const { body } = document;
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      body.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && body.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      body.classList.remove("dropping");
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#add(event.dataTransfer.files);
    });
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.#add(files);
    });
  }

  choose() { this.chooser.click(); }

  show() {
    const { session } = this, { isFile } = session.source;
    const hasCamera = Boolean(navigator.mediaDevices?.getUserMedia);
    const addClass = { class: "add" };
    const add = isFile ? [] : [
      iconButton("plus", "Choose pictures (o)", () => this.choose(), addClass),
      hasCamera ? iconButton("camera", "Take a picture with the camera", () => this.#openCamera(), addClass) : null,
    ];
    const items = session.images.map((image) => {
      const name = image.name ?? "picture", current = image.id === session.image;
      const button = make("button", {
        type: "button", class: "item", title: `${name}, ${image.width} × ${image.height}`, "aria-label": name,
        "aria-pressed": String(current), onclick: () => session.showImage(image.id),
      }, session.thumbnail(image.id));
      const canGo = current && session.isRemovable(image);
      const remove = () => session.removeImage(image.id);
      return make("div", { class: "slot" }, button, canGo ? iconButton("close", `Remove ${name}`, remove, { class: "remove" }) : null);
    });
    refill(this.strip, [session.image, session.images.map((image) => image.id).join()], () => [items, add].flat());
    this.strip.hidden = items.length === 0 || (isFile && items.length < 2);
    this.invitation.hidden = session.image !== null || session.images.length > 0;
    if (!this.invitation.hidden) {
      fill(this.invitation, icon("image"), make("h2", { text: "Drop a picture here" }),
        make("p", { text: "or paste one. It stays on the machine that serves this page." }),
        make("div", { class: "row" }, textButton("Choose pictures", () => this.choose(), { class: "primary" }),
          hasCamera ? textButton("Use the camera", () => this.#openCamera()) : null));
    }
  }

  async #openCamera() {
    const dialog = byId("camera"), video = dialog.querySelector("video");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return this.session.notify("The camera cannot be used.", "Allow it for this page in the browser.");
    }
    video.srcObject = stream;
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener("close", async () => {
      if (dialog.returnValue === "take" && video.videoWidth) {
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        canvas.getContext("2d").drawImage(video, 0, 0);
        const blob = await canvas.convertToBlob({ type: "image/png" });
        this.#add([new File([blob], "camera.png", { type: "image/png" })]);
      }
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    }, { once: true });
  }
}
