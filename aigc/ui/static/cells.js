// An X/Y grid of texts: one for every pair of values of two settings, each with a button that brings its settings back.
//
// A value is {x: {label, values}, y: {label, values}, cells: {index: {title, before, text, facts}}, at, facts, over, go}: `cells` has what
// is new since the last value of the same `go`, `at` is the one in the making, and once it is `over` the settings of each can be had.

import { h, say } from "./dom.js";
import { crossed } from "./grid.js";

export class Cells {
  /** `told(index)`: the settings of this cell are wanted. */
  constructor(words, told) {
    Object.assign(this, { words, told, cells: [] });
    this.grid = h("div", { className: "aigc-grid aigc-w-grid" });
    this.facts = h("p", { className: "aigc-w-facts" });
    this.element = h("div", { hidden: true }, this.grid, this.facts);
  }

  show(value) {
    if (value.go !== this.go) this.build(value);
    this.go = value.go;
    for (const [i, cell] of Object.entries(value.cells)) this.fill(this.cells[i], cell, value.over);
    this.cells.forEach(({ whole }, i) => whole.classList.toggle("aigc-w-now", Boolean(value.busy) && i === value.at));
    say(this.facts, value.facts ?? "");
    this.mark(null);
  }

  build(value) {
    this.cells = [];
    crossed(this.grid, value, (i, name) => {
      const title = h("p", { className: "aigc-w-title", hidden: true });
      const before = h("span", { className: "aigc-w-before" });
      const text = h("span");
      const facts = h("small");
      const use = h("button", { type: "button", className: "aigc-small", hidden: true, title: name, onclick: () => this.told(i) }, this.words.use);
      use.setAttribute("aria-label", `${this.words.use}: ${name}`);
      const said = h("div", { className: "aigc-w-said" }, title, before, text);
      const whole = h("section", { className: "aigc-w-cell", "aria-label": name }, said, h("div", { className: "aigc-w-foot" }, facts, use));
      this.cells[i] = { whole, title, before, text, facts, use };
      return whole;
    });
  }

  fill(cell, { title, before, text, facts }, isOver) {
    say(cell.title, title);
    cell.title.hidden = !title;
    say(cell.before, before);
    say(cell.text, text);
    say(cell.facts, facts);
    cell.use.hidden = !isOver;
  }

  /** Whose settings are in the form. */
  mark(chosen) {
    this.cells.forEach(({ whole, use }, i) => {
      whole.classList.toggle("aigc-w-used", i === chosen);
      use.setAttribute("aria-pressed", String(i === chosen));
    });
  }
}
