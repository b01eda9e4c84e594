// The play button beside a slider: it goes on by itself until the end, and says what pressing it will do.

import { h, say } from "./dom.js";

export class Player {
  /** `isOver()`: nothing is left to play; `restart()`: back to the beginning; `next()`: one further, every `pause` milliseconds. */
  constructor(words, pause, { isOver, restart, next }) {
    Object.assign(this, { words, pause, isOver, restart, next, playing: null });
    const labels = { title: words.play, "aria-label": words.play };
    this.button = h("button", { type: "button", className: "aigc-small aigc-play", ...labels, onclick: () => this.toggle() }, "▶");
  }

  toggle() {
    if (this.playing) return this.halt();
    if (this.isOver()) this.restart();
    this.playing = setInterval(() => (this.isOver() ? this.halt() : this.next()), this.pause);
    say(this.button, "❚❚");
    this.button.setAttribute("aria-label", this.words.halt);
  }

  halt() {
    clearInterval(this.playing);
    this.playing = null;
    say(this.button, "▶");
    this.button.setAttribute("aria-label", this.words.play);
  }
}
