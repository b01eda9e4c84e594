// One of the pictures of a result as large as the window: arrow keys and swipes go through them, Escape or a click closes it.

import { h, say, filled } from "./dom.js";

const SLACK = 8; // CSS pixels that a finger may slip in a click
const SWIPE = 40;

export class Enlarged {
  /** `choose(i)`: another of the pictures is wanted; `closed()`: nothing is enlarged any more. */
  constructor(words, choose, closed) {
    Object.assign(this, { words, choose, at: 0, count: 0, from: null });
    const button = (label, text, act) => h("button", { type: "button", title: label, "aria-label": label, onclick: act }, text);
    this.image = h("img", { alt: "" });
    this.example = h("span", { className: "aigc-l-example" }, words.example);
    this.made = h("span", { className: "aigc-l-made" }, words.made);
    this.caption = h("span", { role: "status" });
    this.steps = h("span", { className: "aigc-l-steps" }, button(words.previous, "‹", () => this.step(-1)), button(words.next, "›", () => this.step(1)));
    this.close = button(words.close, "×", () => this.element.close());
    this.close.autofocus = true;
    this.room = h("div", { className: "aigc-l-room" }, this.image);
    const head = h("div", { className: "aigc-l-head" }, this.example, this.made, this.caption, this.steps, this.close);
    this.element = h("dialog", { className: "aigc-large", "aria-label": words.large }, head, this.room);
    this.element.addEventListener("close", closed);
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("wheel", (event) => event.ctrlKey || event.preventDefault(), { passive: false }); // the page below stays
    this.room.addEventListener("pointerdown", ({ clientX, clientY, isPrimary, button }) => (this.from = isPrimary && !button ? [clientX, clientY] : null));
    this.room.addEventListener("pointerup", (event) => this.let(event));
    this.room.addEventListener("pointercancel", () => (this.from = null));
    this.image.draggable = false;
    new ResizeObserver(() => this.fit()).observe(this.room);
    visualViewport?.addEventListener("resize", () => this.element.classList.toggle("aigc-l-zoomed", visualViewport.scale > 1.01));
    addEventListener("popstate", () => this.element.close());
  }

  get isOpen() { return this.element.open; }

  open(what) {
    this.show(what);
    this.element.showModal();
    this.fit();
  }

  /** `what`: {src, alt, caption, width, height, at, count, made, example}. */
  show(what) {
    const { width, height, at, count } = what;
    Object.assign(this, { width, height, at, count });
    if (this.image.getAttribute("src") !== what.src) this.image.src = what.src;
    this.image.alt = what.alt;
    this.made.hidden = !what.made;
    this.example.hidden = !what.example;
    this.steps.hidden = count < 2;
    const place = count > 1 ? filled(this.words.of, { i: at + 1, n: count }) : "";
    say(this.caption, [what.caption, place].filter(Boolean).join(" · "));
    this.fit();
  }

  step(by) {
    const to = this.at + by;
    if (to >= 0 && to < this.count) this.choose(to);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -this.at, End: this.count - 1 - this.at }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.step(by);
  }

  /** The finger is lifted: it swiped, or it clicked.  Of a picture that it enlarged itself it only moved the part that is seen. */
  let({ clientX, clientY }) {
    if (!this.from) return;
    const [x, y] = [clientX - this.from[0], clientY - this.from[1]];
    this.from = null;
    if (this.element.classList.contains("aigc-l-zoomed")) return;
    if (Math.abs(x) > Math.max(SWIPE, Math.abs(y))) this.step(x < 0 ? 1 : -1);
    else if (Math.hypot(x, y) < SLACK) this.element.close();
  }

  /** As large as the window allows; small pictures by whole pixels of the screen, and crisp. */
  fit() {
    if (!this.isOpen) return;
    const exact = Math.min(this.room.clientWidth / this.width, this.room.clientHeight / this.height) * devicePixelRatio;
    const scale = exact >= 2 ? Math.floor(exact) : exact;
    this.image.style.width = `${(this.width * scale) / devicePixelRatio}px`;
    this.image.style.height = `${(this.height * scale) / devicePixelRatio}px`;
    this.room.classList.toggle("aigc-e-crisp", scale >= 2);
  }
}
