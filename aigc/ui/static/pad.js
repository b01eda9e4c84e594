// A pad to draw on: white on black as the datasets are, a colour where they have colours. It tells the server when a stroke ends.

import { h } from "./dom.js";
import { strokes, trace } from "./strokes.js";

const SIDE = 280; // as studio/drawing.py
const BRUSH = 22;

export class Pad {
  /** `told(address)`: a stroke has ended; the drawing as a PNG in a data address, "" when it was cleared. */
  constructor(element, words, told) {
    Object.assign(this, { told, strokes: [] });
    this.canvas = h("canvas", { className: "aigc-x-pad", width: SIDE, height: SIDE, role: "img", "aria-label": words.pad });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.colour = h("input", { type: "color", value: "#ffffff", "aria-label": words.colour, title: words.colour });
    const button = (label, act) => h("button", { type: "button", className: "aigc-small", onclick: act }, label);
    const buttons = h("div", { className: "aigc-x-padrow" }, button(words.undo, () => this.undo()), button(words.clear, () => this.clear()), this.colour);
    this.hint = h("span", { className: "aigc-x-hint" }, words.draw);
    element.replaceChildren(h("div", { className: "aigc-x-padbox" }, this.canvas, this.hint), buttons);
    strokes(this.canvas, { begin: (point) => this.begin(point), moved: () => this.draw(), ended: () => this.tell() });
    this.draw();
  }

  set coloured(is) {
    this.colour.hidden = !is;
    if (!is) this.colour.value = "#ffffff";
  }

  begin(point) {
    const stroke = { colour: this.colour.value, points: [point] };
    this.strokes.push(stroke);
    return stroke;
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
      trace(this.pen, points);
    }
  }
}
