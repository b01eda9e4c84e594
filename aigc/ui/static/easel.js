// The result of the Image tab: pictures on their way or done, before and after on one wipe, and X/Y grids.
//
// A value is one of
//   {kind: "empty", text, example: {name, says}}
//   {kind: "pictures", items: [{src, width, height, caption}], before, index, facts, notes, made, example}; `example` is its name if it is one
//   {kind: "grid", x: {label, values}, y: {label, values}, cells: [src or null], facts}
//   {kind: "same"}
// with {status, busy, progress} beside it, the `go` that it belongs to and its place `n` in that.  What a run shows on its way is asked for
// under its `go` while it is busy; its end comes through Gradio.  The steps are kept here as they come, so that the way can be walked again
// without asking anybody.

import { bring, h, say, filled, tell } from "./dom.js";
import { Enlarged } from "./enlarged.js";
import { exemplify, unmade } from "./example.js";
import { crossed } from "./grid.js";
import { Player } from "./player.js";
import { Starting } from "./pressing.js";
import { stopFollows, whenStopped } from "./stopping.js";

const PLAY_MS = 120;
const ASK_MS = 250;
const SIDE = 560; // CSS pixels that the longer side of a picture is shown at, at most
const MOST_STEPS = 250;
const SLACK = 4; // CSS pixels that a pointer may slip in a click

export class Easel {
  /** `told(index)`: another of several pictures was chosen. */
  constructor(element, words, told) {
    Object.assign(this, { element, words, told, value: { kind: "empty" }, chosen: 0, cells: [], path: [], at: 0, shown: 0, past: new Set(), from: null, drags: false });
    this.status = h("p", { className: "aigc-x-status", role: "status" });
    this.bar = h("div", { className: "aigc-x-bar", hidden: true }, h("i"));
    this.after = h("img", { className: "aigc-e-after", alt: "" });
    this.before = h("img", { className: "aigc-e-before", alt: "", hidden: true });
    this.edge = h("i", { className: "aigc-e-edge", hidden: true });
    this.frame = h("div", { className: "aigc-e-frame", role: "button", tabIndex: 0, "aria-haspopup": "dialog" }, this.after, this.before, this.edge);
    this.quiet = h("p", { className: "aigc-x-quiet" });
    this.grid = h("div", { className: "aigc-grid aigc-e-grid", hidden: true });
    this.box = h("div", { className: "aigc-e-box" }, this.frame, this.grid, this.quiet);
    this.wipe = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": words.wipe, oninput: () => this.wiped() });
    this.wiper = h("label", { className: "aigc-x-slider aigc-e-wipe", hidden: true }, h("span", {}, words.before), this.wipe, h("span", {}, words.after));
    this.thumbs = h("div", { className: "aigc-e-thumbs", role: "group", "aria-label": words.pictures, hidden: true });
    this.player = new Player(words, PLAY_MS, { isOver: () => this.at >= this.path.length, restart: () => this.go(0), next: () => this.go(this.at + 1) });
    this.range = h("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": words.step, oninput: () => this.go(Number(this.range.value), true) });
    this.caption = h("output", { className: "aigc-e-caption" });
    this.slider = h("div", { className: "aigc-x-slider", hidden: true }, this.player.button, this.range, this.caption);
    this.made = h("span", { className: "aigc-x-made", hidden: true }, words.made);
    this.example = h("span", { className: "aigc-x-example", hidden: true }, words.example);
    this.facts = h("span", { className: "aigc-e-facts" });
    this.notes = h("ul", { className: "aigc-e-notes" });
    this.which = h("span", { className: "aigc-e-which" }); // of several, which is looked at
    const under = h("div", { className: "aigc-x-under" }, this.example, this.made, this.which, this.facts);
    this.enlarged = new Enlarged(words, (i) => this.choose(i), () => this.frame.focus({ preventScroll: true }));
    const head = h("div", { className: "aigc-x-head" }, this.status);
    element.replaceChildren(head, this.bar, this.box, this.thumbs, this.wiper, this.slider, under, this.notes, this.enlarged.element);
    for (const name of ["pointerdown", "pointermove"]) this.frame.addEventListener(name, (event) => this.dragged(event));
    this.frame.addEventListener("click", () => (this.drags ? (this.drags = false) : this.enlarge()));
    this.frame.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.fit()).observe(this.box);
    whenStopped(element, () => this.stop());
    stopFollows(this.bar);
    this.starting = new Starting(this);
    this.show(this.value); // its place is kept whatever comes first
  }

  show(value) {
    if (this.isLate(value)) return;
    this.take(value);
    this.starting.shown(value.go);
  }

  take(value) {
    const begins = value.go && value.go !== this.newest; // a quick one comes finished
    if (begins) this.begin();
    this.newest = value.go ?? this.newest;
    this.isBusy = Boolean(value.busy);
    if (!this.isBusy) this.end(value);
    this.shown = value.n ?? this.shown;
    if (this.isBusy && value.go) this.follow(value.go);
    tell(this.status, unmade(this, value));
    if ((value.busy || begins) && this.bar.hidden) bring(this.element);
    this.bar.hidden = !value.busy;
    this.bar.firstChild.style.width = `${Math.round(100 * (value.progress ?? 0))}%`;
    if (value.kind === "same") return value.chosen === undefined ? undefined : this.mark(value.chosen);
    const anew = value.kind !== this.value.kind || value.items?.length !== this.value.items?.length;
    this.value = value;
    if (anew) this.chosen = 0;
    if (!value.go) this.path = []; // an older picture was taken out again: its way is not here
    this.keep(value);
    this.dress();
    if (value.kind === "empty" && value.example) exemplify(this, value);
  }

  keep({ kind, index, items }) {
    if (kind === "pictures" && index) this.path[Math.min(index, MOST_STEPS) - 1] = items.map((item) => item.src);
  }

  begin() {
    this.past.add(this.newest);
    this.path = [];
    this.chosen = 0;
    this.shown = 0;
    this.stopped = false;
  }

  end({ go, missed = [] }) {
    for (const step of missed) if (step.n > this.shown) this.keep(step);
    if (go) this.past.add(go);
    this.stopped = false;
  }

  /** Whether something later was shown already: another run, the end of this one, a later preview, or that it was stopped. */
  isLate({ go, n, busy }) {
    if (go && this.past.has(go)) return true;
    return Boolean(busy) && (go === this.newest || !go) && (this.stopped || n <= this.shown);
  }

  /** Asks for what is new as long as this run is the one that is shown; the next question waits until the last answer is drawn. */
  async follow(go) {
    if (this.followed === go) return;
    this.followed = go;
    const isShown = () => this.followed === go && go === this.newest && this.isBusy && this.element.isConnected;
    while (isShown()) {
      const answer = await fetch(`./aigc/ways/${go}?after=${this.shown}`).catch(() => null); // out of reach: Gradio says so
      if (answer?.status !== 200) break;
      for (const value of await answer.json()) if (isShown()) this.show(value);
      await new Promise((wake) => setTimeout(wake, ASK_MS));
    }
    if (this.followed === go) this.followed = null;
  }

  /** Nothing more of this run is shown but its end. */
  stop() {
    if (!this.isBusy && !this.starting.waits) return;
    this.starting.over();
    this.stopped = true;
    this.isBusy = false;
    if (this.newest) fetch(`./aigc/ways/${this.newest}/stop`, { method: "POST" }).catch(() => null); // Gradio tells it as well
    this.bar.hidden = true;
    tell(this.status, unmade(this, { kind: "same", status: this.words.stopped }));
  }

  dress() {
    const { kind, items = [], before, busy, made, facts, notes = [], text, example } = this.value;
    const isPictures = kind === "pictures" && items.length > 0;
    this.frame.hidden = !isPictures;
    this.grid.hidden = kind !== "grid";
    this.quiet.hidden = isPictures || kind === "grid";
    this.box.classList.toggle("aigc-x-empty", !isPictures && kind !== "grid");
    say(this.quiet, kind === "empty" ? (text ?? "") : isPictures ? "" : this.words.unseen);
    this.made.hidden = !made;
    this.example.hidden = kind === "empty" || !example;
    this.element.classList.toggle("aigc-x-nothing", kind === "empty");
    this.element.dataset.example = kind === "pictures" && example ? example : "";
    say(this.facts, facts ?? "");
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
    if (!isPictures) {
      say(this.which, "");
      this.enlarged.element.close();
    }
    this.before.hidden = this.edge.hidden = this.wiper.hidden = !(isPictures && before && !busy);
    if (before) this.before.src = before;
    this.after.draggable = this.before.draggable = this.wiper.hidden;
    if (isPictures) this.wiped();
    this.drawThumbs(isPictures ? items : []);
    this.player.halt();
    this.path = this.path.filter(Boolean);
    this.slider.hidden = !isPictures || busy || this.path.length < 2;
    this.range.max = this.path.length;
    if (isPictures) this.go(this.path.length);
    if (kind === "grid") this.drawGrid();
  }

  drawThumbs(items) {
    this.thumbs.hidden = items.length < 2;
    if (this.thumbs.children.length !== items.length)
      this.thumbs.replaceChildren(...items.map((_, i) => h("button", { type: "button", onclick: () => this.choose(i) }, h("img", { alt: "" }))));
    items.forEach((item, i) => {
      const button = this.thumbs.children[i];
      button.firstChild.src = item.src;
      button.title = button.ariaLabel = item.caption ?? String(i + 1);
      button.setAttribute("aria-pressed", String(i === this.chosen));
    });
  }

  choose(i) {
    this.chosen = i;
    this.drawThumbs(this.value.items);
    this.go(this.at);
    this.told(i);
  }

  // the way
  go(step, byHand) {
    if (byHand) this.player.halt();
    this.element.dataset.chosen = this.chosen;
    const { items, index } = this.value;
    const last = this.path.length;
    this.at = step;
    this.range.value = step;
    const isEnd = step >= last;
    const src = isEnd ? items[this.chosen]?.src : this.path[step]?.[this.chosen];
    if (src) this.after.src = src;
    const caption = items[this.chosen]?.caption ?? "";
    const where = isEnd ? this.words.end : filled(this.words.at, { i: step + 1, n: last });
    say(this.which, items?.length > 1 ? caption : "");
    say(this.caption, where);
    this.range.setAttribute("aria-valuetext", where);
    this.after.alt = [caption, where].filter(Boolean).join(", ") || this.words.picture;
    this.frame.setAttribute("aria-label", `${this.words.enlarge}: ${this.after.alt}`);
    this.before.classList.toggle("aigc-e-gone", !isEnd);
    this.fit();
    if (this.enlarged.isOpen) this.enlarged.show(this.looked());
    return index;
  }

  // before and after
  wiped() {
    this.frame.style.setProperty("--at", `${this.wipe.value}%`);
  }

  dragged(event) {
    if (event.type === "pointerdown") {
      Object.assign(this, { from: event.clientX, drags: false });
      if (!this.wiper.hidden) event.preventDefault();
      return;
    }
    if (this.wiper.hidden || !event.buttons || (!this.drags && Math.abs(event.clientX - this.from) < SLACK)) return;
    event.preventDefault();
    if (!this.drags) this.frame.setPointerCapture(event.pointerId);
    this.drags = true;
    const box = this.frame.getBoundingClientRect();
    this.wipe.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    this.wiped();
  }

  // large
  pressed(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    this.enlarge();
  }

  enlarge() {
    this.player.halt();
    this.enlarged.open(this.looked());
  }

  /** What is looked at, for the window that shows it large. */
  looked() {
    const { items, made, example } = this.value;
    const { caption, width, height } = items[this.chosen];
    const { src, alt } = this.after;
    return { src, alt, caption, width, height, made, example, at: this.chosen, count: items.length };
  }

  /** As large as the room allows; small pictures by whole pixels and crisp. */
  fit() {
    const item = this.value.items?.[this.chosen];
    if (!item) return;
    const most = Math.min(SIDE, window.innerHeight * 0.62);
    const exact = Math.min(this.box.clientWidth / item.width, most / item.height, most / Math.min(item.width, item.height));
    const scale = exact >= 2 ? Math.floor(exact) : exact;
    this.frame.style.width = `${Math.round(item.width * scale)}px`;
    this.frame.style.height = `${Math.round(item.height * scale)}px`;
    this.frame.classList.toggle("aigc-e-crisp", scale >= 2);
  }

  /** Once the grid is over, a cell brings its settings back. */
  drawGrid() {
    const { cells, busy } = this.value;
    this.cells = [];
    crossed(this.grid, this.value, (i, alt) => {
      if (!cells[i]) return h("i", { title: alt });
      const image = h("img", { src: cells[i], alt, title: alt });
      if (busy) return image;
      this.cells[i] = h("button", { type: "button", "aria-label": `${this.words.use}: ${alt}`, onclick: () => this.told(i) }, image);
      return this.cells[i];
    });
  }

  /** Whose settings are in the form. */
  mark(chosen) {
    this.cells.forEach((cell, i) => cell.setAttribute("aria-pressed", String(i === chosen)));
  }
}
