// The pictures of a run: the sheet of samples at any moment of its history, with a scrubber, in a space that never changes size.

import { filled, h, lastBefore, say } from "./dom.js";
import { Player } from "./player.js";
import { Cloud } from "./points.js";

const PLAY_MS = 140;
const KEPT = 400; // loaded pictures
const AGAIN_MS = 1000; // after which a picture that did not come is asked for again; each time after twice as long,
const TRIES = 7; // so many times: two minutes
const LEAST_FILLED = 0.85; // of the stage, by a picture

export class Pictures {
  /** `url(file)`, `json(file)` fetch; `save(kind, sheet, images)` downloads; `moved(preview)` is told what is shown. */
  constructor(words, sheets, layers, { url, json, save, moved }) {
    Object.assign(this, { words, sheets, url, json, moved, previews: [], loaded: new Map(), sheet: "samples", ticket: 0 });
    this.cloud = new Cloud(words, layers);
    this.tabs = h("div", { className: "aigc-tabs", role: "group", "aria-label": words.pictures });
    const button = (kind) => h("button", { type: "button", className: "aigc-small", onclick: () => save(kind, this.sheet, this.current?.images ?? 0) }, kind.toUpperCase());
    this.downloads = h("div", { className: "aigc-downloads" }, h("span", {}, words.download), ...["png", "gif", "mp4"].map(button));
    this.frame = h("div", { className: "aigc-frame" });
    this.stage = h("div", { className: "aigc-stage" }, this.frame);
    this.caption = h("span", { className: "aigc-cell" });
    this.build();
    this.stage.addEventListener("pointermove", (event) => this.pointAt(event));
    this.stage.addEventListener("pointerleave", () => this.pointAt(null));
    new ResizeObserver(() => this.fit()).observe(this.stage);
  }

  build() {
    const w = this.words;
    this.player = new Player(w, PLAY_MS, { isOver: () => this.at === null, restart: () => this.go(0), next: () => this.go(this.at + 1) });
    this.range = h("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": w.history, oninput: () => this.scrub(Number(this.range.value)) });
    this.newest = h("button", { type: "button", className: "aigc-small", onclick: () => this.scrub(null) }, w.newest);
    this.when = h("output", { className: "aigc-when" });
    const scrubber = h("div", { className: "aigc-scrubber" }, this.player.button, this.range, this.newest);
    const head = h("div", { className: "aigc-head" }, this.tabs, this.downloads);
    const under = h("div", { className: "aigc-under" }, this.when, this.caption);
    this.element = h("section", { className: "aigc-pictures", "aria-label": w.pictures }, head, this.stage, this.cloud.toggles, this.cloud.path, scrubber, under);
  }

  clear() {
    this.player.halt();
    this.ticket += 1;
    Object.assign(this, { previews: [], at: null, current: null, standing: null, real: null, drawn: "" });
    this.loaded.clear();
    this.frame.replaceChildren(h("p", { className: "aigc-quiet" }, this.words.waiting_picture));
    this.stage.classList.remove("aigc-filled");
    this.stage.style.aspectRatio = "";
    this.frame.removeAttribute("style");
    this.cloud.toggles.hidden = this.cloud.path.hidden = true;
    this.tabs.replaceChildren();
    this.downloads.hidden = true;
    this.range.max = 0;
    say(this.when, "");
    say(this.caption, "");
    this.moved(null);
  }

  setRun(points, classes) {
    Object.assign(this, { isPoints: points, classes, real: null });
    this.stage.classList.toggle("aigc-is-points", points);
  }

  /** More history; `fresh` starts it anew. */
  add(previews, fresh) {
    if (fresh) {
      this.previews = [];
      this.loaded.clear();
    }
    if (!previews.length) return;
    this.previews.push(...previews);
    this.reserve(previews.at(-1));
    this.range.max = this.previews.length - 1;
    this.downloads.hidden = false;
    this.offerSheets();
    if (this.at === null || fresh) this.look();
  }

  /** As tall as the tallest of the run's sheets, from the first one on. */
  reserve({ sheets = {} }) {
    const shares = Object.values(sheets).map(({ tiles: [rows, columns, height, width] }) => (rows * height) / (columns * width));
    this.stage.style.aspectRatio = shares.length ? 1 / Math.min(1, Math.max(...shares)) : "";
  }

  offerSheets() {
    const names = Object.keys(this.previews.at(-1).sheets);
    if (!this.isPoints && !names.includes(this.sheet)) this.sheet = names[0];
    if (String(names) === this.offered && this.tabs.childElementCount) return;
    this.offered = String(names);
    const choose = (name) => () => {
      this.sheet = name;
      this.look();
    };
    const tab = (name) => h("button", { type: "button", "data-sheet": name, onclick: choose(name) }, this.sheets[name] ?? name);
    this.tabs.replaceChildren(...(names.length > 1 ? names : []).map(tab));
  }

  // which moment
  /** Show preview number `index`, or follow the newest when it is null. */
  scrub(index) {
    this.player.halt();
    this.go(index);
  }

  go(index) {
    this.at = index === this.previews.length - 1 ? null : index;
    this.look();
  }

  goTo(images) {
    this.scrub(lastBefore(this.previews, images, (p) => p.images));
  }

  /** For as long as the pointer rests on a curve. */
  peek(images) {
    this.peeked = images === null || !this.previews.length ? null : lastBefore(this.previews, images, (p) => p.images);
    this.look();
  }

  // drawing it
  look() {
    const last = this.previews.length - 1;
    if (last < 0) return;
    const index = Math.min(last, this.peeked ?? this.at ?? last);
    const preview = this.previews[index];
    if (this.peeked === null || this.peeked === undefined) this.range.value = index;
    this.newest.setAttribute("aria-pressed", String(this.at === null));
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.sheet === this.sheet));
    const key = `${preview.images} ${this.sheet} ${this.isPoints}`;
    if (key === this.drawn) return;
    this.drawn = key;
    this.current = preview;
    this.tell(preview);
    this.draw(preview);
    if (this.peeked === null || this.peeked === undefined) this.moved(preview);
  }

  /** The new picture takes the old one's place only when it is there, and only if nothing newer was asked for since. */
  draw(preview, tries = 0) {
    if (this.isPoints) this.drawPoints(preview, tries);
    else this.drawSheet(preview, tries);
  }

  async drawSheet(preview, tries) {
    const ticket = ++this.ticket;
    const sheet = preview.sheets[this.sheet];
    if (!sheet) return;
    try {
      const image = await this.load(sheet.file);
      if (ticket !== this.ticket) return;
      this.tiles = sheet;
      this.stands(preview);
      image.alt = `${this.sheets[this.sheet] ?? this.sheet}, ${this.when.textContent}`;
      const [rows, columns] = sheet.tiles;
      const lines = h("div", { className: "aigc-lines", style: `--rows: ${rows}; --columns: ${columns}` });
      this.cell = h("div", { className: "aigc-here", hidden: true });
      this.frame.replaceChildren(image, lines, this.cell);
      this.stage.classList.add("aigc-filled");
      this.fit();
    } catch (error) {
      this.missed(ticket, preview, tries, error);
    }
  }

  stands(preview) {
    this.standing = preview;
    this.tell(preview);
  }

  /** The last picture stays, and this one is asked for again, unless the server has said why it is not there. */
  missed(ticket, preview, tries, error) {
    if (ticket !== this.ticket) return;
    if (this.standing) this.tell(this.standing);
    if (tries === TRIES || error.told) this.drawn = "";
    else setTimeout(() => ticket === this.ticket && this.draw(preview, tries + 1), AGAIN_MS * 2 ** tries);
  }

  /** Which moment it is. */
  tell(preview) {
    say(this.when, filled(this.words.at, preview.words));
    this.range.setAttribute("aria-valuetext", this.when.textContent);
  }

  load(file) {
    if (!this.loaded.has(file)) {
      const image = new Image();
      image.src = this.url(file);
      const forget = (error) => {
        this.loaded.delete(file);
        throw error;
      };
      this.loaded.set(file, image.decode().then(() => image, forget));
      if (this.loaded.size > KEPT) this.loaded.delete(this.loaded.keys().next().value);
    }
    return this.loaded.get(file);
  }

  async drawPoints(preview, tries) {
    const ticket = ++this.ticket;
    try {
      this.real ??= this.json("real");
      const without = (error) => {
        this.real = null;
        return { error };
      };
      const [arrays, { points, error }] = await Promise.all([this.json(preview.arrays), this.real.catch(without)]);
      if (ticket !== this.ticket) return;
      this.stands(preview);
      if (this.cloud.canvas.parentNode !== this.frame) this.frame.replaceChildren(this.cloud.canvas);
      this.cloud.toggles.hidden = false;
      this.cloud.show(arrays, points, this.when.textContent);
      this.fit();
      if (error) throw error; // the generated points alone, for now
    } catch (error) {
      this.missed(ticket, preview, tries, error);
    }
  }

  /** As large as fits; a whole number of screen pixels for each pixel, so that all are alike, unless that wastes too much room. */
  fit() {
    const room = this.stage.clientWidth;
    if (this.isPoints) {
      this.frame.style.width = this.frame.style.height = `${Math.min(room, this.stage.clientHeight)}px`;
      this.cloud.draw();
      return;
    }
    if (!this.tiles || !this.frame.querySelector("img")) return;
    const [rows, columns, height, width] = this.tiles.tiles;
    const dots = window.devicePixelRatio || 1;
    const fits = Math.min(room / (columns * width), this.stage.clientHeight / (rows * height)) * dots;
    const whole = Math.floor(fits);
    const scale = (whole > fits * LEAST_FILLED ? whole : fits) / dots;
    this.frame.style.width = `${columns * width * scale}px`;
    this.frame.style.height = `${rows * height * scale}px`;
  }

  /** Name what is under the pointer. */
  pointAt(event) {
    const inside = event && !this.isPoints && this.tiles && this.cell?.isConnected;
    const box = this.frame.getBoundingClientRect();
    const [rows, columns] = inside ? this.tiles.tiles : [1, 1];
    const column = inside ? Math.floor(((event.clientX - box.left) / box.width) * columns) : -1;
    const row = inside ? Math.floor(((event.clientY - box.top) / box.height) * rows) : -1;
    const index = row * columns + column;
    const here = inside && row >= 0 && column >= 0 && row < rows && column < columns && index < this.tiles.count;
    if (this.cell) this.cell.hidden = !here;
    if (here) this.cell.style.cssText = `left:${(100 * column) / columns}%;top:${(100 * row) / rows}%;width:${100 / columns}%;height:${100 / rows}%`;
    say(this.caption, here ? this.nameOf(index, row, column) : "");
  }

  nameOf(index, row, column) {
    const place = filled(this.words.cell, { row: row + 1, column: column + 1 });
    if (this.sheet === "reconstructions") return `${index % 2 ? this.words.rebuilt : this.words.real} · ${place}`;
    const known = this.sheet === "samples" && this.classes.length;
    return known ? `${this.classes[index % this.classes.length]} · ${place}` : place;
  }
}
