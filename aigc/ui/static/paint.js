// Painting over a picture what should change in it: brush, eraser, undo, all, none. The server gets the mask when a stroke ends.

import { h } from "./dom.js";
import { strokes, trace } from "./strokes.js";

const LONG = 512; // pixels of the mask along its longer side
const SHOWN = 420; // CSS pixels

export class Paint {
  /** `told(address)`: the mask as a PNG in a data address, white where it is painted; "" when nothing is. */
  constructor(element, words, told) {
    Object.assign(this, { words, told, strokes: [], erases: false });
    this.picture = h("img", { className: "aigc-p-picture", alt: words.picture });
    this.canvas = h("canvas", { className: "aigc-p-canvas", role: "img", "aria-label": words.mask });
    this.hint = h("span", { className: "aigc-x-hint" }, words.paint);
    this.brush = h("i", { className: "aigc-p-brush", hidden: true });
    this.box = h("div", { className: "aigc-p-box" }, this.picture, this.canvas, this.brush, this.hint);
    this.size = h("input", { type: "range", min: 2, max: 40, value: 12 });
    const size = h("label", { className: "aigc-p-size" }, h("span", {}, words.size), this.size);
    const button = (label, act) => h("button", { type: "button", className: "aigc-small", onclick: act }, label);
    this.eraser = button(words.erase, () => this.toggleEraser());
    this.eraser.setAttribute("aria-pressed", "false");
    const row = h("div", { className: "aigc-x-padrow aigc-p-row" }, size, this.eraser, button(words.undo, () => this.undo()), button(words.all, () => this.all()), button(words.clear, () => this.clear()));
    element.replaceChildren(this.box, row);
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    strokes(this.canvas, { begin: (point) => this.begin(point), moved: () => this.draw(), ended: () => this.tell() });
    for (const name of ["pointerdown", "pointermove"]) this.canvas.addEventListener(name, (event) => this.follow(event));
    for (const name of ["pointerleave", "pointercancel"]) this.canvas.addEventListener(name, () => (this.brush.hidden = true));
    this.size.addEventListener("input", () => this.brushed(this.box.clientWidth / 2, this.box.clientHeight / 2)); // how large it is now
    this.size.addEventListener("change", () => (this.brush.hidden = true));
    this.element = element;
    this.element.hidden = true;
  }

  /** A new picture {src, width, height}, or none; what was painted on the last one goes.  `mask`: what was painted on this one before. */
  show(value) {
    const fresh = value?.src !== this.picture.getAttribute("src");
    this.element.hidden = !value?.src;
    if (!value?.src) return;
    if (fresh) this.take(value);
    if (value.mask) this.again(value.mask);
    else if (fresh) this.anew();
  }

  take(value) {
    this.picture.src = value.src;
    const scale = LONG / Math.max(value.width, value.height);
    this.canvas.width = Math.max(1, Math.round(value.width * scale));
    this.canvas.height = Math.max(1, Math.round(value.height * scale));
    this.box.style.aspectRatio = `${value.width} / ${value.height}`;
    this.box.style.width = `min(100%, ${Math.round((SHOWN * value.width) / Math.max(value.width, value.height))}px)`;
    this.box.classList.toggle("aigc-e-crisp", Math.max(value.width, value.height) <= SHOWN / 2);
  }

  /** A mask as `told` hands it over; as a stroke that can be painted on and undone. */
  async again(mask) {
    const image = Object.assign(new Image(), { src: mask });
    await image.decode();
    const shape = like(this.canvas);
    const pen = shape.getContext("2d");
    pen.drawImage(image, 0, 0, shape.width, shape.height);
    const pixels = pen.getImageData(0, 0, shape.width, shape.height);
    for (let i = 0; i < pixels.data.length; i += 4) pixels.data[i + 3] = pixels.data[i];
    pen.putImageData(pixels, 0, 0);
    this.strokes = [{ shape }];
    this.draw();
    this.tell();
  }

  /** The outline of the brush goes with the pointer. */
  follow({ clientX, clientY }) {
    const { left, top } = this.canvas.getBoundingClientRect();
    this.brushed(clientX - left, clientY - top);
  }

  brushed(x, y) {
    const side = this.width * (this.canvas.clientWidth / this.canvas.width);
    Object.assign(this.brush.style, { width: `${side}px`, height: `${side}px`, left: `${x}px`, top: `${y}px` });
    this.brush.hidden = false;
  }

  get width() { return (Number(this.size.value) / 100) * LONG; }

  begin(point) {
    const stroke = { erases: this.erases, width: this.width, points: [point] };
    this.strokes.push(stroke);
    return stroke;
  }

  toggleEraser() {
    this.erases = !this.erases;
    this.eraser.setAttribute("aria-pressed", String(this.erases));
  }

  undo() {
    this.strokes.pop();
    this.draw();
    this.tell();
  }

  all() {
    this.strokes.push({ all: true });
    this.draw();
    this.tell();
  }

  /** Nothing is painted any more, until that is undone. */
  clear() {
    if (!this.painted()) return;
    this.strokes.push({ none: true });
    this.draw();
    this.tell();
  }

  anew() {
    this.strokes = [];
    this.draw();
    this.tell();
  }

  /** The strokes since the last clearing. */
  standing() {
    return this.strokes.slice(this.strokes.findLastIndex((s) => s.none) + 1);
  }

  painted() {
    return this.standing().some((s) => !s.erases);
  }

  tell() {
    if (!this.painted()) return this.told("");
    const mask = like(this.canvas);
    const pen = mask.getContext("2d");
    pen.fillRect(0, 0, mask.width, mask.height);
    pen.drawImage(tinted(this.canvas, "#fff"), 0, 0);
    this.told(mask.toDataURL("image/png"));
  }

  draw() {
    this.hint.hidden = this.standing().length > 0;
    const { pen, canvas } = this;
    pen.globalCompositeOperation = "source-over";
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--aigc-generated").trim(); // what will be generated
    Object.assign(pen, { lineCap: "round", lineJoin: "round", strokeStyle: colour, fillStyle: colour });
    for (const { all, shape, erases, width, points } of this.standing()) {
      pen.globalCompositeOperation = erases ? "destination-out" : "source-over";
      if (all) {
        pen.fillRect(0, 0, canvas.width, canvas.height);
        continue;
      }
      if (shape) {
        pen.drawImage(tinted(shape, colour), 0, 0);
        continue;
      }
      pen.lineWidth = width;
      trace(pen, points);
    }
  }
}

function like(canvas) {
  return Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
}

/** What is drawn on a canvas, all in one colour. */
function tinted(canvas, colour) {
  const copy = like(canvas);
  const pen = copy.getContext("2d");
  pen.drawImage(canvas, 0, 0);
  pen.globalCompositeOperation = "source-in";
  pen.fillStyle = colour;
  pen.fillRect(0, 0, copy.width, copy.height);
  return copy;
}
