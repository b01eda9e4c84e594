// The live panel of a training run: asks the server what is new and draws it in place, so that nothing flickers or jumps.
// Every `.aigc-live` element on the page becomes one; window.aigc.live is what the form beside it calls.

import "./arena.js";
import { ask, BASE } from "./ask.js";
import { Bars, Curves } from "./curves.js";
import "./diagram.js";
import { h, lastBefore, say, thin } from "./dom.js";
import { Follower } from "./follow.js";
import "./ladder.js";
import { Pictures } from "./pictures.js";

const LIVE_MS = 500;
const SETTLE_MS = 400; // a knob that is being turned is sent when it rests
const UNSURE_MS = 700; // a press meant for a button that has just given way to another
const MOST_POINTS = 1500;

class Panel extends Follower {
  constructor(technique, lang) {
    super(lang, LIVE_MS, "aigc-panel");
    Object.assign(this, { technique, cursor: "", knobs: {} });
    this.start();
  }

  /** What the page says and which run to show first come with one request. */
  async start() {
    const asked = new URLSearchParams(location.search).get("run") ?? "";
    let hello;
    try {
      hello = await (await ask(`panels/${this.technique}`, { lang: this.lang, run: asked })).json();
    } catch {
      setTimeout(() => this.start(), 2000);
      return;
    }
    this.setUp(hello);
  }

  setUp(hello) {
    this.words = hello.words;
    this.hello = hello;
    this.pictures = new Pictures(this.words, hello.sheets, hello.layers, {
      url: (file) => new URL(`runs/${this.id}/previews/${file}?${this.version()}`, BASE).href,
      json: async (file) => (await ask(`runs/${this.id}/arrays/${file}`, { g: this.version() })).json(),
      save: (kind, sheet, images) => this.save(kind, sheet, images),
      moved: (preview) => this.moved(preview),
    });
    this.curves = new Curves(this.words, this.lang, {
      onpick: (at) => {
        const before = this.pictures.at;
        if (at) this.pictures.goTo(at[0]);
        return () => this.pictures.scrub(before);
      },
      onpeek: (at) => this.pictures.peek(at && at[0]),
      onexplain: (term) => this.explain(term),
    });
    this.build();
    this.curves.setTerms(hello.terms, hello.panels);
    this.list(hello.recent);
    this.clear();
    if (this.wanted ?? hello.show) this.show(this.wanted ?? hello.show);
  }

  build() {
    const w = this.words;
    const status = this.status();
    this.facts = h("dl", { className: "aigc-facts" });
    this.reason = h("p", { className: "aigc-reason", hidden: true });
    this.bars = h("section", { className: "aigc-views", "aria-label": w.views });
    this.log = h("ol", { className: "aigc-log" });
    this.recent = h("ul", { className: "aigc-recent" });
    const right = h("div", { className: "aigc-right" }, this.curves.element, this.bars);
    const feet = [[w.log, this.log], [w.recent, this.recent]].map(([title, list]) => h("section", {}, h("h4", {}, title), list));
    const body = h("div", { className: "aigc-body" }, this.pictures.element, right, h("div", { className: "aigc-feet" }, ...feet));
    this.element.replaceChildren(...status, this.facts, this.reason, this.note, body);
  }

  clear() {
    Object.assign(this, { cursor: "", data: {}, rows: {}, rowBars: {}, told: null });
    say(this.says, this.words.nothing);
    say(this.title, this.words.press);
    say(this.note, "");
    this.reason.hidden = true;
    this.dot.dataset.state = "";
    this.bar.value = 0;
    for (const list of [this.facts, this.buttons, this.bars]) list.replaceChildren();
    this.log.replaceChildren(h("li", { className: "aigc-quiet" }, this.words.quiet));
    this.curves.set({ range: null, curves: {} });
    this.pictures.clear();
  }

  // what the form beside the panel calls, more than what every panel has
  turn(name, value) {
    if (!this.told?.live || !this.told.mine) return;
    const id = this.id;
    clearTimeout(this.knobs[name]);
    this.knobs[name] = setTimeout(() => id === this.id && this.command("set", [name, value]), SETTLE_MS);
  }

  /** Pictures are kept by the browser for ever; a run that went on from its checkpoint may write other ones under the same names. */
  version() {
    return this.cursor.split(":")[0];
  }

  // asking
  async news(id) {
    return (await ask(`runs/${id}/live`, { since: this.cursor, lang: this.lang })).json();
  }

  lost(error) {
    say(this.note, error.told || this.words.gone);
  }

  // drawing what came
  take(news) {
    this.cursor = news.cursor;
    if (news.fresh) this.takeLasting(news);
    const ended = this.told?.live && !news.live;
    this.told = news;
    this.takeStatus(news);
    this.takeCurves(news);
    this.pictures.add(news.previews, news.fresh);
    this.takeLog(news);
    if (news.live) this.again();
    if (ended || news.fresh) this.refreshList();
  }

  takeLasting(news) {
    Object.assign(this, { data: {}, rows: {}, rowBars: {} });
    this.bars.replaceChildren();
    this.log.replaceChildren();
    say(this.title, news.title);
    this.curves.setTerms(news.terms, news.panels);
    this.pictures.setRun(news.points, news.classes);
    this.curves.examples.textContent = news.points ? this.words.by_points : this.words.by_images;
    this.terms = news.terms;
  }

  takeStatus(news) {
    this.dot.dataset.state = news.state;
    say(this.says, news.says);
    say(this.reason, news.reason);
    this.reason.hidden = !news.reason;
    if (news.progress !== undefined) this.bar.value = news.progress ?? 0;
    for (const [name, { label, value }] of Object.entries(news.facts)) this.fact(name, label, value);
    const model = news.facts.model.value;
    const key = JSON.stringify([news.actions, news.mine, model, this.id]);
    if (key !== this.buttonsKey || !this.buttons.childElementCount) {
      this.buttonsKey = key;
      const held = this.buttons.contains(document.activeElement);
      this.buttons.replaceChildren(...news.actions.map((action) => this.action(action, news.why)), ...(model ? [this.exploreLink()] : []));
      if (!news.fresh) this.buttons.inert = true;
      setTimeout(() => {
        this.buttons.inert = false;
        if (held && document.activeElement === document.body) this.buttons.querySelector("button")?.focus();
      }, UNSURE_MS);
    }
  }

  /** The Explore view takes the newest run by itself; an older one has to be named. */
  exploreLink() {
    const named = this.recent.querySelector("a")?.dataset.run === this.id ? {} : { run: this.id };
    return h("a", { className: "aigc-act", href: `?${new URLSearchParams({ tab: this.technique, view: "explore", ...named })}` }, this.words.explore);
  }

  /** The server names all facts each time, in order; null leaves one as it was. */
  fact(name, label, value) {
    let entry = this.facts.querySelector(`[data-fact="${name}"]`);
    if (!entry) this.facts.append((entry = h("div", { "data-fact": name, hidden: true }, h("dt", {}, label), h("dd"))));
    if (value === null) return;
    entry.hidden = !value;
    say(entry.lastChild, value);
  }

  /** A button, or a label with one for each choice. */
  action({ do: verb, label, primary, choices }, why) {
    const look = { type: "button", disabled: Boolean(why), title: why, className: primary ? "aigc-act aigc-primary" : "aigc-act", "data-do": verb };
    const button = (text, value) => h("button", { ...look, onclick: (event) => this.command(verb, value, event.target) }, text);
    if (!choices.length) return button(label, null);
    return h("span", { className: "aigc-choices", role: "group", "aria-label": label }, h("span", {}, label), ...choices.map((c) => button(c.label, c.value)));
  }

  async command(verb, value, button = null) {
    const held = button === document.activeElement;
    if (button) button.disabled = true;
    say(this.note, "");
    try {
      const told = await (await ask(`runs/${this.id}/command`, { lang: this.lang }, { do: verb, value })).json();
      if (told.run !== this.id) this.show(told.run);
    } catch (error) {
      say(this.note, error.told || this.words.lost);
    }
    if (button) button.disabled = false;
    if (held && document.activeElement === document.body) button.focus();
    this.poll();
  }

  takeCurves(news) {
    for (const [name, points] of Object.entries(news.curves)) {
      const all = (this.data[name] ??= []);
      all.push(...points);
      if (all.length > MOST_POINTS) this.data[name] = thin(all, MOST_POINTS / 2);
    }
    if (news.fresh || Object.keys(news.curves).length) this.curves.setCurves(this.data);
    for (const [name, frames] of Object.entries(news.rows)) (this.rows[name] ??= []).push(...frames);
    if (Object.keys(news.rows).length) this.drawRows();
  }

  /** Each row of numbers as it was at the moment that the scrubber shows. */
  drawRows() {
    const images = this.shown?.images ?? Infinity;
    for (const [name, frames] of Object.entries(this.rows)) {
      if (!this.rowBars[name]) {
        this.rowBars[name] = new Bars(this.terms[name] ?? { label: name, help: "", role: "loss", unit: "" });
        this.bars.append(this.rowBars[name].element);
      }
      this.rowBars[name].draw(frames[lastBefore(frames, images, (f) => f.images)].row);
    }
  }

  takeLog(news) {
    const compact = new Intl.NumberFormat(this.lang);
    this.log.prepend(...news.log.map((line) => h("li", {}, h("time", {}, compact.format(line.images)), ` ${line.text}`)).reverse());
    if (!this.log.childElementCount) this.log.append(h("li", { className: "aigc-quiet" }, this.words.quiet));
    else if (this.log.childElementCount > 1) this.log.querySelector(".aigc-quiet")?.remove();
  }

  /** The scrubber moved, or followed the newest. */
  moved(preview) {
    this.shown = preview;
    this.curves.mark(preview ? [preview.images, preview.seconds] : null);
    this.drawRows();
  }

  explain(term) {
    const maths = h("a", { href: `?${new URLSearchParams({ tab: this.technique, view: "how" })}` }, this.words.maths);
    this.note.replaceChildren(`${term.label}${this.lang === "zh" ? "：" : ": "}${term.help} `, maths);
  }

  async save(kind, sheet, images) {
    say(this.note, this.words.preparing);
    try {
      const answer = await ask(`runs/${this.id}/export`, { lang: this.lang }, { kind, sheet, images });
      const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? `run.${kind}`;
      const url = URL.createObjectURL(await answer.blob());
      h("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      say(this.note, "");
    } catch (error) {
      say(this.note, error.told || this.words.lost);
    }
  }

  // recent runs
  async refreshList() {
    try {
      this.list((await (await ask(`panels/${this.technique}`, { lang: this.lang, run: "" })).json()).recent);
    } catch {
      // the next change asks again
    }
  }

  list(runs) {
    const items = runs.map((run) => {
      const open = (event) => {
        event.preventDefault();
        this.remember(run.id);
        this.show(run.id);
      };
      const link = h("a", { href: `?${new URLSearchParams({ tab: this.technique, run: run.id })}`, "data-run": run.id, onclick: open }, run.title);
      const state = h("i", { className: "aigc-dot", "data-state": run.state });
      const when = new Date(run.created * 1000).toLocaleString(this.lang, { dateStyle: "short", timeStyle: "short" });
      const told = [run.says, run.live ? "" : run.trained, when, run.mine || run.recorded ? "" : this.words.others].filter(Boolean);
      return h("li", {}, state, link, h("span", {}, told.join(" · ")));
    });
    this.recent.replaceChildren(...(items.length ? items : [h("li", { className: "aigc-quiet" }, this.words.nothing)]));
  }

  /** The address says which run is shown, so that it can be sent to somebody. */
  remember(id) {
    window.aigc.linked?.({ tab: this.technique, run: id, data: null, preset: null });
  }
}

const panels = {};

// A link of this page named a run; a panel that is not there yet reads the address.
addEventListener("aigc-told", ({ detail: { tab, view } }) => {
  const run = new URLSearchParams(location.search).get("run");
  if (view === "train" && run) panels[tab]?.show(run);
});

/** Gradio may take a placeholder away and bring another: the panel moves into whichever is there. */
function adopt() {
  for (const place of document.querySelectorAll(".aigc-live:not([data-ready])")) {
    place.dataset.ready = "";
    const { technique, lang } = place.dataset;
    panels[technique] ??= new Panel(technique, lang);
    place.replaceChildren(panels[technique].element);
  }
}

const filledFor = {}; // of each technique, what its form is being filled for

function setGo(technique, disabled) {
  const go = panels[technique]?.element.closest(".aigc-train")?.querySelector(".aigc-go");
  if (go) go.disabled = disabled;
}

/** While the form is being filled, what it would send is neither the old nor the new. */
function filling(technique, given) {
  filledFor[technique] = String(given);
  setGo(technique, true);
}

/** `given` is what the form says now: if it was turned again meanwhile, that is still to be filled. */
function filled(technique, given) {
  if (filledFor[technique] === String(given)) setGo(technique, false);
}

const live = {
  filling,
  filled,
  begin: (technique) => panels[technique]?.begin(),
  refused: (technique) => panels[technique]?.refused(),
  turn: (technique, name, value) => panels[technique]?.turn(name, value),
  show: (technique, id) => {
    panels[technique]?.remember(id);
    panels[technique]?.show(id);
  },
};
(window.aigc ??= {}).live = live; // page.js has its own things in there
new MutationObserver(adopt).observe(document.body, { childList: true, subtree: true });
adopt();
