// The panel of an arena: runs that share data and budget, side by side. Asks the server what is new and changes only that, in place.
// `.aigc-arena` elements on the page become it; window.aigc.arena is what the form beside it calls.

import { ask, BASE } from "./ask.js";
import { Curves } from "./curves.js";
import { filled, h, say } from "./dom.js";
import { Follower } from "./follow.js";
import { Cloud } from "./points.js";

const LIVE_MS = 1000;
const LIST_MS = 10000;
const LEAST_FILLED = 0.85; // of its place, by a picture

/** One run: its name, its newest samples, and how far it is. */
class Tile {
  constructor(words) {
    this.words = words;
    this.name = h("a", {});
    this.dot = h("i", { className: "aigc-dot" });
    this.says = h("span", {});
    this.moment = h("span", { className: "aigc-moment" });
    this.quality = h("b", { className: "aigc-tile-quality" });
    this.reason = h("p", { className: "aigc-reason", hidden: true });
    this.stage = h("div", { className: "aigc-tile-stage" }, h("p", { className: "aigc-quiet" }, words.waiting));
    const caption = h("figcaption", {}, h("b", {}, this.name), h("span", { className: "aigc-tile-says" }, this.dot, this.says, this.moment), this.quality);
    this.element = h("figure", { className: "aigc-tile" }, caption, this.stage, this.reason);
    new ResizeObserver(() => this.fit()).observe(this.stage);
  }

  take(cell, inGrid) {
    say(this.name, cell.label);
    if (cell.href) this.name.setAttribute("href", cell.href);
    this.name.parentElement.hidden = inGrid;
    this.dot.dataset.state = cell.state;
    say(this.says, cell.says);
    say(this.moment, cell.moment ?? "");
    say(this.quality, cell.quality ?? "");
    say(this.reason, cell.reason ?? "");
    this.reason.hidden = !cell.reason;
    this.element.title = inGrid ? cell.label : "";
    if (cell.picture && cell.picture !== this.shown) this.draw(cell);
    if (cell.points && cell.points !== this.shown) this.drawPoints(cell);
  }

  /** The new picture takes the old one's place when it is there. */
  async draw(cell) {
    this.shown = cell.picture;
    const image = new Image();
    image.src = new URL(`runs/${cell.run}/previews/${cell.picture}`, BASE).href;
    image.alt = `${this.words.samples}: ${cell.label}`;
    try {
      await image.decode();
    } catch {
      return; // thinned out meanwhile: the last picture stays
    }
    if (this.shown !== cell.picture) return;
    this.tiles = cell.tiles;
    const [rows, columns] = cell.tiles;
    const lines = h("div", { className: "aigc-lines", style: `--rows: ${rows}; --columns: ${columns}` });
    this.frame = h("div", { className: "aigc-frame" }, image, lines);
    this.stage.replaceChildren(this.frame);
    this.stage.classList.add("aigc-filled");
    this.fit();
  }

  /** A whole number of screen pixels for each pixel, so that all are alike, unless that wastes too much room. */
  fit() {
    if (!this.frame) return this.cloud?.draw();
    const [rows, columns, height, width] = this.tiles;
    const dots = window.devicePixelRatio || 1;
    const fits = Math.min(this.stage.clientWidth / (columns * width), this.stage.clientHeight / (rows * height)) * dots;
    const whole = Math.floor(fits);
    const scale = (whole > fits * LEAST_FILLED ? whole : fits) / dots;
    this.frame.style.width = `${columns * width * scale}px`;
    this.frame.style.height = `${rows * height * scale}px`;
  }

  async drawPoints(cell) {
    this.shown = cell.points;
    try {
      this.real ??= ask(`runs/${cell.run}/arrays/real`).then((answer) => answer.json());
      const [arrays, real] = await Promise.all([(await ask(`runs/${cell.run}/arrays/${cell.points}`)).json(), this.real.catch(() => null)]);
      if (this.shown !== cell.points) return;
      this.cloud ??= new Cloud({ step_of_path: "" }, {});
      if (this.cloud.canvas.parentNode !== this.stage) this.stage.replaceChildren(this.cloud.canvas);
      this.stage.classList.add("aigc-filled");
      this.cloud.show({ points: arrays.points }, real?.points, cell.label);
    } catch {
      // as above
    }
  }
}

/** The table of costs and figures; only cells that changed are touched. */
class Table {
  constructor(caption) {
    this.head = h("tr", {});
    this.body = h("tbody", {});
    this.table = h("table", {}, h("caption", {}, caption), h("thead", {}, this.head), this.body);
    this.element = h("div", { className: "aigc-arena-table", tabIndex: 0, role: "group", "aria-label": caption }, this.table);
  }

  take(table, cells, words) {
    const keys = String(table.columns.map((c) => c.key + c.label));
    if (keys !== this.keys) {
      this.keys = keys;
      this.head.replaceChildren(...table.columns.map((c) => h("th", { scope: "col", title: c.help, "data-column": c.key }, c.label)));
      this.body.replaceChildren();
    }
    while (this.body.children.length > table.rows.length) this.body.lastChild.remove();
    table.rows.forEach((row, i) => this.row(i, table.columns, row, cells[i], words));
  }

  row(i, columns, row, cell, words) {
    let line = this.body.children[i];
    if (!line) {
      line = h("tr", {}, ...columns.map((c) => h(c.key === "run" ? "th" : "td", { "data-column": c.key, ...(c.key === "run" ? { scope: "row" } : {}) })));
      this.body.append(line);
    }
    columns.forEach((c, j) => {
      const place = line.children[j];
      const href = c.key === "run" ? cell.href : c.key === "model" && row.model ? `?${new URLSearchParams({ tab: "evaluate", model: row.model })}` : "";
      const text = row[c.key] || (c.key === "run" || c.key === "state" ? "" : "–");
      if (place.textContent === text && (place.firstElementChild?.getAttribute("href") ?? "") === (href ?? "")) return;
      place.replaceChildren(href ? h("a", { href, title: c.key === "model" ? words.evaluate : "" }, text) : text);
    });
  }
}

class Arena extends Follower {
  constructor(lang) {
    super(lang, LIVE_MS, "aigc-panel aigc-arena-panel");
    Object.assign(this, { mark: "", tiles: [] });
    this.start();
  }

  /** What the page says and which arenas there are come with one request, when somebody first looks. */
  async start() {
    if (!this.seen) {
      setTimeout(() => this.start(), 300);
      return;
    }
    let hello;
    try {
      hello = await (await ask("arenas", { lang: this.lang })).json();
    } catch {
      setTimeout(() => this.start(), 2000);
      return;
    }
    this.words = hello.words;
    this.build();
    this.list(hello.arenas);
    this.clear();
    const asked = new URLSearchParams(location.search);
    const first = hello.arenas.find((a) => a.mine && a.live) ?? hello.arenas.find((a) => a.mine) ?? hello.arenas.find((a) => a.recorded);
    const wanted = this.wanted ?? (asked.get("tab") === "arena" && asked.get("arena")) ?? first?.id;
    if (wanted || first) this.show(wanted || first.id);
    setInterval(() => this.seen && this.refreshList(), LIST_MS);
  }

  build() {
    const w = this.words;
    const status = this.status();
    this.grid = h("div", { className: "aigc-tiles" });
    const nothing = { onpick: () => {}, onpeek: () => {}, onexplain: (term) => say(this.note, term.help) };
    this.curves = [1, 0].map((axis) => Object.assign(new Curves(w, this.lang, nothing), { axis, log: true })); // one technique's FID is ten times another's
    const log = h("input", { type: "checkbox", checked: true, onchange: () => this.curves.forEach((c) => c.set({ log: log.checked })) });
    this.logs = h("label", { className: "aigc-log-switch", hidden: true }, log, ` ${w.log_axis}`);
    const plots = this.curves.map((c) => h("div", {}, h("h5", {}, c.axis ? w.by_seconds : w.by_images), c.element));
    this.notDrawn = h("p", { className: "aigc-quiet" });
    this.choices = h("div", { className: "aigc-choices" });
    this.chooser = h("details", { className: "aigc-chooser", hidden: true }, h("summary", {}, w.choose_runs), this.choices);
    this.noQuality = h("p", { className: "aigc-quiet" }, w.no_quality);
    this.plots = h("div", { className: "aigc-quality", hidden: true }, ...plots);
    this.table = new Table(w.table);
    this.notes = h("div", { className: "aigc-notes" });
    this.files = h("p", { className: "aigc-files", hidden: true });
    this.past = h("ul", { className: "aigc-recent" });
    const section = (title, ...inside) => h("section", {}, h("h4", {}, title), ...inside);
    this.results = h("div", { className: "aigc-results" }, section(w.samples, this.grid), section(w.quality, this.logs, this.noQuality, this.notDrawn, this.chooser, this.plots), section(w.table, this.table.element, this.notes, this.files));
    this.element.replaceChildren(...status, this.note, this.results, section(w.past, this.past));
  }

  clear() {
    Object.assign(this, { mark: "", told: null, tiles: [], shape: "", termsKey: "", picked: null });
    say(this.says, this.words.none);
    say(this.title, this.words.press);
    this.dot.dataset.state = "";
    this.bar.value = 0;
    this.results.hidden = true;
    this.files.hidden = true;
    this.buttons.replaceChildren();
    this.grid.replaceChildren();
  }

  // asking
  async news(id) {
    return (await ask(`arenas/${id}`, { lang: this.lang, since: this.mark })).json();
  }

  seenAgain() {
    if (this.id && new URLSearchParams(location.search).get("tab") === "arena") this.remember(this.id);
    super.seenAgain();
  }

  lost(error) {
    this.clear();
    say(this.note, error.told || this.words.gone);
    this.id = this.wanted = null;
  }

  // drawing what came
  take(news) {
    this.mark = news.mark;
    if (news.live || !news.settled) this.again();
    if (news.same) return;
    const ended = this.told?.live && !news.live;
    this.told = news;
    this.results.hidden = false;
    this.dot.dataset.state = news.live ? "running" : "finished";
    say(this.says, news.says);
    say(this.title, news.title);
    this.bar.value = news.progress;
    this.takeButtons(news);
    this.takeTiles(news);
    this.takeCurves(news);
    this.table.take(news.table, news.cells, this.words);
    this.takeNotes(news.notes);
    this.takeFiles(news.cells.some((cell) => cell.picture || cell.points));
    if (ended) this.refreshList();
  }

  takeButtons(news) {
    const key = `${news.live} ${news.mine} ${this.id}`;
    if (key === this.buttonsKey && this.buttons.childElementCount) return;
    this.buttonsKey = key;
    if (news.recorded) this.buttons.replaceChildren();
    else if (!news.mine) this.buttons.replaceChildren(h("span", { className: "aigc-quiet" }, this.words.view_only));
    else if (news.live) this.buttons.replaceChildren(this.button("stop", () => this.command("stop")));
    else this.buttons.replaceChildren(this.button("delete", () => this.sure()));
  }

  button(name, onclick) {
    return h("button", { type: "button", className: "aigc-act", "data-do": name, onclick }, this.words[name]);
  }

  sure() {
    this.buttonsKey = "";
    this.buttons.replaceChildren(this.button("sure", () => this.command("delete")), this.button("keep", () => this.takeButtons(this.told)));
    this.buttons.firstChild.focus();
  }

  takeTiles(news) {
    const shape = JSON.stringify([this.id, news.heads, news.cells.length]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.tiles = news.cells.map(() => new Tile(this.words));
      this.grid.replaceChildren(...(news.heads.length ? this.sheet(news) : this.tiles.map((t) => t.element)));
      this.grid.classList.toggle("aigc-sweep", news.heads.length > 0);
      this.grid.style.setProperty("--columns", news.columns);
    }
    this.grid.style.setProperty("--shape", news.shape);
    news.cells.forEach((cell, i) => this.tiles[i].take(cell, news.heads.length > 0));
  }

  /** Sample sheets in a grid with the values of the knobs along its sides. */
  sheet(news) {
    const [across, down] = news.heads;
    const corner = h("div", { className: "aigc-corner" }, ...(down ? [h("span", { title: down.help }, `${down.knob} ↓`)] : []), h("span", { title: across.help }, `${across.knob} →`));
    const head = (value, knob) => h("div", { className: "aigc-side", title: knob.knob }, value);
    const cells = [corner, ...across.values.map((value) => head(value, across))];
    const rows = down?.values ?? [""];
    rows.forEach((value, j) => {
      cells.push(head(value, down ?? { knob: "" }));
      cells.push(...this.tiles.slice(j * news.columns, (j + 1) * news.columns).map((t) => t.element));
    });
    return cells;
  }

  takeCurves(news) {
    const measured = Object.values(news.curves).some((points) => points.length > 1);
    this.noQuality.hidden = measured;
    this.plots.hidden = this.logs.hidden = !measured;
    const drawn = this.takeChoices(news);
    const only = (named) => Object.fromEntries(Object.entries(named).filter(([name]) => drawn.has(parseInt(name, 10))));
    const terms = only(news.terms);
    const key = JSON.stringify([this.id, terms, news.panels]);
    for (const curves of this.curves) {
      if (key !== this.termsKey) curves.setTerms(terms, news.panels);
      curves.setCurves(only(news.curves));
    }
    this.termsKey = key;
  }

  /** Says which of the measured runs are not drawn, and lets them be chosen. -> places of those drawn */
  takeChoices(news) {
    const measured = [...news.cells.keys()].filter((i) => Object.keys(news.curves).some((name) => parseInt(name, 10) === i));
    const drawn = new Set(measured.filter((i, nth) => this.picked?.get(i) ?? nth < news.drawn));
    const left = measured.filter((i) => !drawn.has(i)).map((i) => news.cells[i].label);
    say(this.notDrawn, filled(this.words.not_drawn, { n: left.length, all: measured.length, which: left.join(" · ") }));
    this.notDrawn.hidden = !left.length;
    this.chooser.hidden = measured.length <= news.drawn;
    const key = JSON.stringify([this.id, measured]);
    if (key !== this.choicesKey) this.choices.replaceChildren(...measured.map((i) => this.choice(i, news.cells[i].label, drawn.has(i))));
    this.choicesKey = key;
    return drawn;
  }

  choice(i, label, checked) {
    const onchange = (event) => {
      (this.picked ??= new Map()).set(i, event.target.checked);
      this.takeCurves(this.told);
    };
    return h("label", {}, h("input", { type: "checkbox", checked, onchange }), ` ${label}`);
  }

  /** What has to be known to read the table. */
  takeNotes(notes) {
    if (String(notes) === String([...this.notes.children].map((p) => p.textContent))) return;
    this.notes.replaceChildren(...notes.map((note) => h("p", { className: "aigc-quiet" }, note)));
  }

  takeFiles(pictured) {
    const kinds = pictured ? ["png", "csv", "json"] : ["csv", "json"];
    const of = `${this.id} ${kinds}`;
    if (!this.files.hidden && this.filesOf === of) return;
    this.filesOf = of;
    const address = (kind) => new URL(`arenas/${this.id}/arena.${kind}?lang=${this.lang}`, BASE).href;
    const link = (kind) => h("a", { href: address(kind), download: "" }, this.words[`save_${kind}`]);
    this.files.replaceChildren(h("span", {}, this.words.download), ...kinds.flatMap((kind) => [" ", link(kind)]));
    this.files.hidden = false;
  }

  async command(verb) {
    for (const button of this.buttons.querySelectorAll("button")) button.disabled = true;
    say(this.note, "");
    try {
      await ask(`arenas/${this.id}/command`, { lang: this.lang }, { do: verb });
      if (verb === "delete") this.gone();
    } catch (error) {
      say(this.note, error.told || this.words.lost);
      this.buttonsKey = "";
      if (this.told) this.takeButtons(this.told);
    }
    this.refreshList();
    this.poll();
  }

  gone() {
    this.id = this.wanted = null;
    this.clear();
    say(this.note, this.words.deleted);
    window.aigc.linked?.({ arena: null });
  }

  // the list of arenas
  async refreshList() {
    try {
      this.list((await (await ask("arenas", { lang: this.lang })).json()).arenas);
    } catch {
      // the next change asks again
    }
  }

  list(arenas) {
    const key = JSON.stringify(arenas);
    if (key === this.listed) return;
    this.listed = key;
    const items = arenas.map((arena) => {
      const open = (event) => {
        event.preventDefault();
        this.remember(arena.id);
        this.show(arena.id);
        this.element.scrollIntoView({ block: "nearest" });
      };
      const link = h("a", { href: `?${new URLSearchParams({ tab: "arena", arena: arena.id })}`, onclick: open }, arena.title);
      const when = new Date(arena.created * 1000).toLocaleString(this.lang, { dateStyle: "short", timeStyle: "short" });
      const told = [arena.says, when, arena.mine || arena.recorded ? "" : this.words.view_only].filter(Boolean);
      return h("li", {}, h("i", { className: "aigc-dot", "data-state": arena.live ? "running" : "finished" }), link, h("span", {}, told.join(" · ")));
    });
    this.past.replaceChildren(...(items.length ? items : [h("li", { className: "aigc-quiet" }, this.words.none)]));
  }

  /** The address says which arena is shown, so that it can be sent to somebody. */
  remember(id) {
    window.aigc.linked?.({ tab: "arena", arena: id });
  }
}

let arena = null;

/** Gradio may take a placeholder away and bring another: the panel moves into whichever is there. */
function adopt() {
  for (const place of document.querySelectorAll(".aigc-arena:not([data-ready])")) {
    place.dataset.ready = "";
    arena ??= new Arena(place.dataset.lang);
    place.replaceChildren(arena.element);
  }
}

(window.aigc ??= {}).arena = {
  begin: () => arena?.begin(),
  refused: () => arena?.refused(),
  show: (id) => {
    arena?.remember(id);
    arena?.show(id);
    arena?.refreshList();
  },
};
new MutationObserver(adopt).observe(document.body, { childList: true, subtree: true });
adopt();
