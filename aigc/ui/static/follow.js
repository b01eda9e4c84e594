// A panel that follows something on the server: asks what is new while it is looked at, less often when it is not.

import { bring, h, say } from "./dom.js";

const HIDDEN_MS = 5000;
const LONGEST_WAIT_MS = 15000;

/** To be given by who extends it: `news(id)` -> what is new, `take(news)`, `clear()`, `words` from the server, and `lost(error)` for what is not there. */
export class Follower {
  constructor(lang, every, className) {
    Object.assign(this, { lang, every, id: null, failures: 0 });
    this.element = h("div", { className });
    document.addEventListener("visibilitychange", () => document.hidden || this.poll());
    new IntersectionObserver(([entry]) => entry.isIntersecting && this.seenAgain()).observe(this.element);
  }

  /** The line that says how it stands, with room for buttons, and what stands below it. -> elements */
  status() {
    this.dot = h("i", { className: "aigc-dot" });
    this.says = h("strong", { role: "status", "aria-live": "polite" });
    this.title = h("span", { className: "aigc-title" });
    this.buttons = h("div", { className: "aigc-actions" });
    this.bar = h("progress", { className: "aigc-progress", max: 1, value: 0, "aria-label": this.words.progress });
    this.note = h("p", { className: "aigc-notice", role: "status", "aria-live": "polite" });
    return [h("header", { className: "aigc-status" }, h("div", { className: "aigc-says" }, this.dot, this.says, this.title), this.buttons), this.bar];
  }

  // what the form beside the panel calls
  show(id) {
    this.wanted = id;
    if (!this.words) return; // they come with the first answer, which shows what is wanted
    if (id !== this.id) {
      this.id = id;
      this.clear();
      say(this.says, "…");
      say(this.title, "");
    }
    this.failures = 0;
    this.poll();
  }

  begin() {
    if (!this.words) return;
    clearTimeout(this.timer);
    this.id = null;
    this.clear();
    this.dot.dataset.state = "starting";
    say(this.says, this.words.sending);
    say(this.title, "");
    bring(this.element);
  }

  /** The form was refused: back to what was shown before. */
  refused() {
    if (this.wanted) this.show(this.wanted);
    else if (this.words) this.clear();
  }

  // asking
  get seen() {
    return !document.hidden && this.element.offsetParent !== null;
  }

  seenAgain() {
    this.poll();
  }

  async poll() {
    clearTimeout(this.timer);
    const id = this.id;
    if (!id || this.asking === id) return;
    this.asking = id;
    try {
      const news = await this.news(id);
      if (id === this.id) this.came(news);
    } catch (error) {
      if (id === this.id) this.failed(error);
    }
    this.asking = null;
  }

  came(news) {
    if (this.failures) say(this.note, "");
    this.failures = 0;
    this.take(news);
  }

  failed(error) {
    if (error.status === 404) {
      this.lost(error);
      return;
    }
    this.failures += 1;
    say(this.note, this.words.lost);
    this.again(Math.min(LONGEST_WAIT_MS, this.every * 2 ** this.failures));
  }

  again(wait = this.every) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), this.seen ? wait : Math.max(wait, HIDDEN_MS));
  }
}
