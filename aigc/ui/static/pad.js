// A pad to draw on: white on black as the datasets are, a colour where they have colours. It tells the server when a stroke ends.

import { h } from "./dom.js";

const SIDE = 280; // as studio/drawing.py
const BRUSH = 22;

export class Pad {
  /** `told(address)`: a stroke has ended; the drawing as a PNG in a data address, "" when it was cleared. */
  constructor(element, words, told) {
    Object.assign(this, { told, strokes: [], now: null });
    this.canvas = h("canvas", { className: "aigc-x-pad", width: SIDE, height: SIDE, role: "img", "aria-label": words.pad });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.colour = h("input", { type: "color", value: "#ffffff", "aria-label": words.colour, title: words.colour });
    const button = (label, act) => h("button", { type: "button", className: "aigc-small", onclick: act }, label);
    const buttons = h("div", { className: "aigc-x-padrow" }, button(words.undo, () => this.undo()), button(words.clear, () => this.clear()), this.colour);
    this.hint = h("span", { className: "aigc-x-hint" }, words.draw);
    element.replaceChildren(h("div", { className: "aigc-x-padbox" }, this.canvas, this.hint), buttons);
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => this.end());
    this.draw();
  }

  set coloured(is) {
    this.colour.hidden = !is;
    if (!is) this.colour.value = "#ffffff";
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.now = { colour: this.colour.value, points: [this.place(event)] };
    this.strokes.push(this.now);
    this.draw();
  }

  go(event) {
    if (!this.now) return;
    for (const e of event.getCoalescedEvents?.() ?? [event]) this.now.points.push(this.place(e));
    this.draw();
  }

  end() {
    if (!this.now) return;
    this.now = null;
    this.tell();
  }

  undo() {
    this.strokes.pop();
    this.draw();
    this.tell();
  }

  clear() {
    this.strokes = [];
    this.draw();
    this.tell();
  }

  tell() {
    this.told(this.strokes.length ? this.canvas.toDataURL("image/png") : "");
  }

  draw() {
    this.hint.hidden = this.strokes.length > 0;
    this.pen.fillStyle = "#000";
    this.pen.fillRect(0, 0, SIDE, SIDE);
    Object.assign(this.pen, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
    for (const { colour, points } of this.strokes) {
      this.pen.strokeStyle = colour;
      this.pen.beginPath();
      this.pen.moveTo(...points[0]);
      for (const p of points) this.pen.lineTo(...p);
      this.pen.lineTo(points.at(-1)[0] + 0.01, points.at(-1)[1]); // so that a tap leaves a dot
      this.pen.stroke();
    }
  }
}
