// The result of an exploration: states of samples on a slider, a plane to walk on, or points; all of it is here before it is shown.
//
// A value is one of
//   {kind: "empty", text, example: {name, says}}
//   {kind: "images", films: [{name, label, src}], tiles: [rows, columns, h, w], count, states, captions, cells, rows, heads, marks, pick, strip, made, example}
//   {kind: "points", arrays, real, layers, title}
// with {status, busy, progress} beside it, and the `go` that it belongs to; {stopped} ends the last of these, whatever is still on its way. A film's picture holds its states one below the other, each a sheet of tiles without gaps.

import { bring, h, say, tell } from "./dom.js";
import { exemplify, unmade } from "./example.js";
import { Player } from "./player.js";
import { Cloud } from "./points.js";
import { stopFollows } from "./stopping.js";

const PLAY_MS = 110;
const PICK_MS = 90; // between two places told to the server while a finger moves
const GAP = 2; // CSS pixels between tiles
const LARGE = 280; // CSS pixels that one tile is enlarged to, at most,
const LEAST_LARGE = 14; // or by this factor
const WORTH = 0.75;

let pressed = false; // a button that begins a run, since one was answered last: what comes by itself brings nothing into sight
document.addEventListener("click", (event) => (pressed ||= Boolean(event.target.closest(".aigc-x-go button"))));

export class Stage {
  /** `told(x, y)`: a place in the picture was chosen, both in [0, 1], y from the top. */
  constructor(element, words, told) {
    Object.assign(this, { element, words, told, value: { kind: "empty" }, images: new Map(), at: 0, film: 0, ticket: 0 });
    this.status = h("p", { className: "aigc-x-status", role: "status" });
    this.bar = h("div", { className: "aigc-x-bar", hidden: true }, h("i"));
    this.films = h("div", { className: "aigc-tabs aigc-x-films", role: "group", "aria-label": words.shown, hidden: true });
    this.canvas = h("canvas", { className: "aigc-x-canvas", role: "img" });
    this.rowLabels = h("div", { className: "aigc-x-rows" });
    this.heads = h("div", { className: "aigc-x-heads", hidden: true });
    this.thumbs = h("canvas", { className: "aigc-x-thumbs", hidden: true, "aria-hidden": "true", onclick: (event) => this.thumbed(event) });
    this.quiet = h("p", { className: "aigc-x-quiet" });
    this.cloud = new Cloud(words, words.layers);
    this.box = h("div", { className: "aigc-x-box aigc-x-empty" }, this.rowLabels, this.canvas, this.cloud.canvas, this.quiet);
    this.player = new Player(words, PLAY_MS, { isOver: () => this.at >= this.value.states - 1, restart: () => this.go(0), next: () => this.go(this.at + 1) });
    this.range = h("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": words.step, oninput: () => this.go(Number(this.range.value), true) });
    this.caption = h("output", { className: "aigc-x-caption" });
    this.slider = h("div", { className: "aigc-x-slider", hidden: true }, this.player.button, this.range);
    this.cell = h("span", { className: "aigc-x-cell" });
    this.made = h("span", { className: "aigc-x-made", hidden: true }, words.made);
    const head = h("div", { className: "aigc-x-head" }, this.status, this.films);
    const under = h("div", { className: "aigc-x-under" }, this.made, this.cell);
    // what can be handled stands above the picture, which may be of any height
    element.replaceChildren(head, this.bar, this.slider, this.caption, this.thumbs, this.cloud.path, this.heads, this.box, this.cloud.toggles, under);
    stopFollows(this.bar);
    this.canvas.addEventListener("pointermove", (event) => this.pointed(event));
    this.canvas.addEventListener("pointerleave", () => say(this.cell, ""));
    this.canvas.addEventListener("pointerdown", (event) => this.grabbed(event));
    this.canvas.addEventListener("keydown", (event) => this.keyed(event));
    new ResizeObserver(() => this.draw()).observe(this.box);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  get isBusy() {
    return !this.bar.hidden;
  }

  async show(value) {
    if (value.stopped) {
      if (!this.status.classList.contains("aigc-x-busy")) return; // nothing ran that could have been stopped
      this.over = this.newest;
    }
    if (value.go && value.go === this.over) return;
    this.newest = value.go ?? this.newest;
    const ticket = ++this.ticket;
    tell(this.status, unmade(this, value));
    if (pressed && (value.busy || value.made) && this.bar.hidden) {
      pressed = false;
      bring(this.element);
    }
    this.status.classList.toggle("aigc-x-busy", Boolean(value.busy));
    this.bar.hidden = !value.busy;
    this.bar.firstChild.style.width = `${Math.round(100 * (value.progress ?? 0))}%`;
    if (value.kind === "same") return; // only the words are new
    await Promise.all((value.films ?? []).map((film) => this.load(film.src)));
    if (ticket !== this.ticket) return; // something newer came while it was decoded
    const anew = value.kind !== this.value.kind || value.states !== this.value.states;
    if (value.pick && this.value.pick) value.pick = this.value.pick; // another plane, the same place
    this.value = value;
    for (const src of this.images.keys()) if (!value.films?.some((film) => film.src === src)) this.images.delete(src);
    this.dress(anew);
    this.draw();
    if (value.pick) this.told(value.pick.x, value.pick.y);
    if (value.kind === "empty" && value.example) exemplify(this, value);
  }

  load(src) {
    if (!this.images.has(src)) {
      const image = new Image();
      image.src = src;
      this.images.set(src, image);
    }
    return this.images.get(src).decode().catch(() => null);
  }

  /** What stands around the picture. */
  dress(anew) {
    const { kind, films = [], states = 0, rows = [], heads = [], strip, made, text, example } = this.value;
    const isImages = kind === "images";
    this.box.classList.toggle("aigc-x-empty", kind === "empty");
    this.canvas.hidden = !isImages;
    this.cloud.canvas.hidden = kind !== "points";
    this.cloud.toggles.hidden = kind !== "points";
    if (kind !== "points") this.cloud.path.hidden = true;
    this.element.dataset.example = kind === "images" && example ? example : "";
    this.quiet.hidden = kind !== "empty";
    say(this.quiet, kind === "empty" ? text ?? "" : "");
    this.made.hidden = !(made || kind === "points");
    this.film = Math.min(this.film, Math.max(0, films.length - 1));
    this.films.hidden = films.length < 2;
    this.films.replaceChildren(...films.map((film, i) => h("button", { type: "button", onclick: () => this.choose(i) }, film.label)));
    this.choose(this.film);
    this.rowLabels.replaceChildren(...rows.map((label) => h("span", {}, label)));
    this.heads.replaceChildren(...heads.map((label) => h("span", {}, label)));
    this.heads.hidden = !heads.length;
    this.thumbs.hidden = !(isImages && strip);
    this.slider.hidden = !isImages || states < 2;
    this.range.max = Math.max(0, states - 1);
    this.canvas.tabIndex = isImages && this.value.pick ? 0 : -1;
    this.canvas.classList.toggle("aigc-x-walk", Boolean(isImages && this.value.pick));
    this.player.halt();
    if (isImages) this.go(anew || this.value.busy ? (this.value.at ?? states - 1) : Math.min(this.at, states - 1));
    else say(this.caption, "");
    if (kind === "points") this.cloud.show(this.value.arrays, this.value.real, this.value.title ?? "");
  }

  choose(film) {
    this.film = film;
    [...this.films.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === film)));
    this.draw();
  }

  // the slider
  go(state, byHand) {
    if (byHand) this.player.halt();
    this.at = state;
    this.range.value = state;
    const caption = this.value.captions?.[state] ?? "";
    say(this.caption, caption);
    this.range.setAttribute("aria-valuetext", caption || String(state));
    this.canvas.setAttribute("aria-label", [this.value.title, caption].filter(Boolean).join(", ") || this.words.picture);
    this.draw();
  }

  // drawing
  draw() {
    const { kind, films, tiles, pick, marks } = this.value;
    const image = kind === "images" && this.images.get(films[this.film]?.src);
    if (!image?.naturalWidth) return;
    const [rows, columns, height, width] = tiles;
    const dots = window.devicePixelRatio || 1;
    const gap = this.value.joined ? 0 : Math.round(GAP * dots);
    const room = (this.box.clientWidth - this.rowLabels.offsetWidth) * dots;
    const most = Math.min(room, 860 * dots, (window.innerHeight * 0.62 * dots * columns * width) / (rows * height));
    const exact = Math.min((most - gap * (columns - 1)) / (columns * width), dots * Math.max(LEAST_LARGE, Math.floor(LARGE / width)));
    const whole = Math.floor(exact);
    const scale = whole >= WORTH * exact ? whole : exact; // whole pixels are crisp, unless they would waste the room
    const joined = Boolean(this.value.joined); // one picture, drawn whole
    const [w, t] = joined ? [width * scale, height * scale] : [Math.round(width * scale), Math.round(height * scale)];
    this.canvas.width = Math.round(columns * w + gap * (columns - 1));
    this.canvas.height = Math.round(rows * t + gap * (rows - 1));
    this.canvas.style.width = `${this.canvas.width / dots}px`;
    this.canvas.style.height = `${this.canvas.height / dots}px`;
    this.rowLabels.style.setProperty("--tile", `${(t + gap) / dots}px`);
    this.heads.style.setProperty("--tile", `${(w + gap) / dots}px`);
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = scale < 1 || (joined && scale !== whole);
    const top = this.at * rows * height;
    if (joined) pen.drawImage(image, 0, top, columns * width, rows * height, 0, 0, this.canvas.width, this.canvas.height);
    for (let i = 0; i < this.value.count && !joined; i++) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      pen.drawImage(image, column * width, top + row * height, width, height, column * (w + gap), row * (t + gap), w, t);
    }
    if (marks) this.drawMarks(pen, marks, dots);
    if (pick) this.drawPick(pen, pick, dots);
    if (this.value.strip) this.drawThumbs(image, dots);
  }

  /** Every state side by side; the one on the stage is underlined. */
  drawThumbs(image, dots) {
    const { tiles, states } = this.value;
    const [w, t] = [tiles[1] * tiles[3], tiles[0] * tiles[2]];
    const room = Math.min(this.box.clientWidth, 900) * dots;
    const scale = Math.max(0.25, Math.min(room / states - dots, 64 * dots) / w);
    const [each, tall] = [Math.floor(w * scale), Math.floor(t * scale)];
    const gap = Math.round(dots);
    Object.assign(this.thumbs, { width: states * (each + gap), height: tall + 5 * gap });
    this.thumbs.style.width = `${this.thumbs.width / dots}px`;
    const pen = this.thumbs.getContext("2d");
    pen.imageSmoothingEnabled = scale < 1;
    for (let i = 0; i < states; i++) pen.drawImage(image, 0, i * t, w, t, i * (each + gap), 0, each, tall);
    pen.fillStyle = getComputedStyle(this.thumbs).color;
    pen.fillRect(this.at * (each + gap), tall + 2 * gap, each, 3 * gap);
  }

  thumbed(event) {
    const share = event.offsetX / this.thumbs.clientWidth;
    this.go(Math.min(this.value.states - 1, Math.floor(share * this.value.states)), true);
  }

  drawMarks(pen, marks, dots) {
    const colour = getComputedStyle(this.canvas).getPropertyValue("--mark").trim();
    pen.font = `600 ${11 * dots}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineWidth = 3 * dots;
    pen.strokeStyle = "rgb(0 0 0 / .75)";
    pen.fillStyle = colour;
    for (const { x, y, text } of marks) {
      pen.strokeText(text, x * this.canvas.width, y * this.canvas.height);
      pen.fillText(text, x * this.canvas.width, y * this.canvas.height);
    }
  }

  drawPick(pen, { x, y }, dots) {
    const [a, b, r] = [x * this.canvas.width, y * this.canvas.height, 9 * dots];
    for (const [colour, width] of [["rgb(0 0 0 / .8)", 5], ["#fff", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width * dots;
      pen.beginPath();
      pen.arc(a, b, r, 0, 7);
      pen.stroke();
    }
  }

  // the pointer and the keys
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const inside = (v) => Math.min(1, Math.max(0, v));
    return { x: inside((event.clientX - box.left) / box.width), y: inside((event.clientY - box.top) / box.height) };
  }

  pointed(event) {
    const { tiles, cells = [], pick, count } = this.value;
    if (!tiles) return;
    const here = this.place(event);
    if (pick && this.held) this.walk(here);
    const index = Math.min(tiles[0] - 1, Math.floor(here.y * tiles[0])) * tiles[1] + Math.min(tiles[1] - 1, Math.floor(here.x * tiles[1]));
    say(this.cell, !pick && index < count ? (cells[index] ?? "") : "");
  }

  grabbed(event) {
    if (!this.value.pick) return;
    this.held = true;
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.addEventListener("pointerup", () => (this.held = false), { once: true });
    this.walk(this.place(event));
  }

  keyed(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step || !this.value.pick) return;
    event.preventDefault();
    const inside = (v) => Math.min(1, Math.max(0, v));
    const far = event.shiftKey ? 5 : 1;
    this.walk({ x: inside(this.value.pick.x + (0.01 * far * step[0])), y: inside(this.value.pick.y + (0.01 * far * step[1])) });
  }

  /** The ring follows at once; the server hears of the newest place, never of more than it can answer. */
  walk(place) {
    this.value.pick = place;
    this.draw();
    this.due ??= setTimeout(() => {
      this.due = null;
      this.told(this.value.pick.x, this.value.pick.y);
    }, PICK_MS);
  }
}
