// Text as a model wrote or read it, token by token, in one column or several side by side; below it, what else could have stood at a token.
//
// A value is one of
//   {kind: "empty", text, example: {name, says}}
//   {kind: "text", columns: [{head, title, before, tokens: [[text, p, rank, shaped, [[text, p, shaped] ...]] ...], ended, facts, form}],
//    made, colour, notes, example, onward}; `example` is its name if it is one, `onward` says that a text can go on from there; a column may have {text} in place of tokens where nobody looks at them, and `plain` says that none has any
//   {kind: "grid", made, notes, ...}: see cells.js
//   {kind: "same", chosen}: which cell of the grid was chosen
// with {status, busy, progress} beside it, and the `run` that it belongs to.  `p` is null where nothing stood before a token; `form` is {kept, says, rules: [[text, kept]], note}.

import { Cells } from "./cells.js";
import { bring, h, say, filled, tell } from "./dom.js";
import { exemplify, unmade } from "./example.js";
import { Starting } from "./pressing.js";
import { stopFollows } from "./stopping.js";

const DARKEST = 12; // bits
const BEFORE = 300; // characters of a long beginning that are shown at once

export class Writing {
  /** `told.chosen(index)`: the settings of this cell of a grid are wanted; `told.onward({column, token, other})`: a text from there on. */
  constructor(element, words, told) {
    Object.assign(this, { words, told, columns: [], value: { kind: "empty" }, chosen: null });
    this.status = h("p", { className: "aigc-x-status", role: "status" });
    this.bar = h("div", { className: "aigc-x-bar", hidden: true }, h("i"));
    this.figures = this.toggle(words.figures, "aigc-w-figures");
    this.colour = this.toggle(words.colour, "aigc-w-colour");
    this.tools = h("div", { className: "aigc-w-tools" }, this.figures, this.colour);
    this.quiet = h("p", { className: "aigc-x-quiet" });
    this.row = h("div", { className: "aigc-w-columns" });
    this.cells = new Cells(words, told.chosen);
    this.box = h("div", { className: "aigc-w-box" }, this.row, this.cells.element, this.quiet);
    this.made = h("span", { className: "aigc-x-made", hidden: true }, words.made);
    this.example = h("span", { className: "aigc-x-example", hidden: true }, words.example);
    this.notes = h("ul", { className: "aigc-e-notes" });
    this.look = h("div", { className: "aigc-w-look", "aria-live": "polite" });
    element.replaceChildren(
      h("div", { className: "aigc-x-head" }, this.status, this.tools), this.bar, this.notes, this.box,
      h("div", { className: "aigc-x-under" }, this.example, this.made), this.look,
    );
    this.element = element;
    this.row.addEventListener("click", (event) => this.picked(event.target.closest("[data-i]")));
    this.row.addEventListener("keydown", (event) => this.key(event));
    this.starting = new Starting(this);
    stopFollows(this.bar);
    this.show(this.value); // its place is kept whatever comes first
  }

  toggle(text, className) {
    const button = h("button", { type: "button", className: "aigc-small", "aria-pressed": "false" }, text);
    button.addEventListener("click", () => this.switch(button, className, button.getAttribute("aria-pressed") !== "true"));
    return button;
  }

  switch(button, className, on) {
    button.setAttribute("aria-pressed", String(on));
    this.element.classList.toggle(className, on);
  }

  show(value) {
    this.take(value);
    this.newest = value.run ?? this.newest;
    this.starting.shown(value.run);
  }

  take(value) {
    tell(this.status, unmade(this, value));
    if ((value.busy || (value.made && !value.example)) && this.bar.hidden) bring(this.element); // a quick one comes finished
    this.bar.hidden = !value.busy;
    this.isBusy = Boolean(value.busy);
    this.bar.firstChild.style.width = `${Math.round(100 * (value.progress ?? 0))}%`;
    if (value.kind === "same" && value.chosen !== undefined) this.cells.mark(value.chosen);
    if (value.kind === "same") return;
    const anew = value.kind !== this.value.kind || value.columns?.length !== this.columns.length;
    this.value = value;
    const isExample = value.kind === "text" && Boolean(value.example);
    this.example.hidden = !isExample;
    this.element.classList.toggle("aigc-x-nothing", value.kind === "empty");
    this.element.dataset.example = isExample ? value.example : "";
    this.quiet.hidden = value.kind !== "empty";
    this.row.hidden = value.kind !== "text";
    this.cells.element.hidden = value.kind !== "grid";
    this.tools.hidden = value.kind !== "text" || Boolean(value.plain);
    say(this.quiet, value.text ?? "");
    this.made.hidden = !value.made;
    this.notes.replaceChildren(...(value.notes ?? []).map((note) => h("li", {}, note)));
    this.element.classList.toggle("aigc-w-crossed", value.kind === "grid");
    if (value.kind === "grid") this.cells.show(value);
    if (value.kind === "empty" && value.example) exemplify(this, value);
    if (value.kind !== "text") return this.look.replaceChildren();
    if (anew) this.build(value);
    value.columns.forEach((column, c) => this.fill(this.columns[c], column, c));
    if (this.chosen && !this.spanAt(this.chosen)) this.chosen = null;
    this.tell();
  }

  build(value) {
    this.chosen = null;
    this.switch(this.colour, "aigc-w-colour", Boolean(value.colour));
    this.columns = value.columns.map((_, c) => {
      const head = h("h4", { className: "aigc-w-head" });
      const title = h("p", { className: "aigc-w-title" });
      const text = h("div", { className: "aigc-w-text", role: "group", "aria-label": this.words.text });
      const form = h("div", { className: "aigc-w-form", hidden: true });
      const on = h("button", { type: "button", className: "aigc-small aigc-begins aigc-w-onward", hidden: true }, this.words.onward);
      on.addEventListener("click", () => this.goOn({ column: c }));
      const facts = h("p", { className: "aigc-w-facts" });
      return { whole: h("section", {}, head, title, text, on, form, facts), head, title, text, on, form, facts, spans: [], told: [], before: null };
    });
    this.row.replaceChildren(...this.columns.map((column) => column.whole));
    this.row.style.setProperty("--columns", this.columns.length);
  }

  fill(column, value, c) {
    say(column.head, value.head ?? "");
    say(column.title, value.title ?? "");
    column.head.hidden = !value.head;
    column.title.hidden = !value.title;
    say(column.facts, value.facts ?? "");
    column.on.hidden = !this.value.onward || Boolean(value.ended);
    if (value.text !== undefined) {
      say(column.text, value.text);
      return;
    }
    const fits = column.before === value.before && column.told.every((token, i) => i < value.tokens.length && token[0] === value.tokens[i][0]);
    if (!fits) {
      column.text.replaceChildren(...this.given(value.before ?? ""));
      Object.assign(column, { spans: [], told: [], before: value.before });
    }
    value.tokens.forEach((token, i) => {
      if (i >= column.spans.length) this.append(column, token, c, i, value.ended && i === value.tokens.length - 1);
      else if (token[1] !== column.told[i][1]) this.dress(column.spans[i], token);
      column.told[i] = token;
    });
    const end = value.ended ? column.spans.at(-1) : null; // known to be the end mark only now
    if (end?.textContent === "·") say(end, "∎");
    this.judge(column.form, value.form);
  }

  /** What the text begins with; of something long only the end, until the rest is asked for. */
  given(before) {
    const part = (text) => h("span", { className: "aigc-w-before" }, text);
    if (before.length <= 2 * BEFORE) return [part(before)];
    const more = h("button", { type: "button", className: "aigc-small", onclick: () => more.replaceWith(part(before.slice(0, -BEFORE))) }, `… ${this.words.whole}`);
    return [more, part(before.slice(-BEFORE))];
  }

  append(column, token, c, i, isEnd) {
    const [lead, inner, tail] = lines(token[0]);
    const text = inner || (lead + tail ? "↵" : isEnd ? "∎" : "·");
    const span = h("span", { role: "button", tabIndex: i ? -1 : 0, className: "aigc-w-token" }, text);
    if (!inner) span.classList.add("aigc-w-silent");
    span.dataset.i = `${c}:${i}`;
    this.dress(span, token);
    column.text.append(...breaks(lead), span, ...breaks(tail));
    column.spans[i] = span;
  }

  dress(span, [, p]) {
    if (p === null) return;
    span.dataset.p = percent(p);
    span.style.setProperty("--surprise", Math.min(1, -Math.log2(Math.max(p, 1e-12)) / DARKEST).toFixed(3));
  }

  judge(place, form) {
    place.hidden = !form;
    if (!form) return;
    const rule = ([text, kept]) => h("li", { className: kept ? "aigc-w-kept" : "aigc-w-broken" }, h("b", {}, kept ? "✓ " : "✗ "), `${text} `, h("i", {}, kept ? this.words.kept : this.words.broken));
    place.replaceChildren(h("p", {}, h("b", {}, form.says)), h("ul", {}, ...form.rules.map(rule)), h("p", { className: "aigc-w-small" }, form.note));
  }

  // choosing a token
  spanAt([c, i]) { return this.columns[c]?.spans[i]; }

  picked(span) {
    if (!span) return;
    this.chosen = span.dataset.i.split(":").map(Number);
    this.tell();
  }

  key(event) {
    const span = event.target.closest("[data-i]");
    if (!span) return;
    const [c, i] = span.dataset.i.split(":").map(Number);
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: this.columns[c].spans.length - 1 }[event.key];
    if (to === undefined && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const next = this.columns[c].spans[to ?? i];
    if (!next) return;
    next.focus();
    this.picked(next);
  }

  tell() {
    for (const column of this.columns) for (const span of column.spans) span.classList.remove("aigc-w-chosen");
    const anything = this.columns.some((column) => column.spans.length);
    if (!this.chosen) return this.look.replaceChildren(...(anything && !this.value.busy ? [h("p", { className: "aigc-w-small" }, this.words.hint)] : []));
    const [c, i] = this.chosen;
    const span = this.spanAt(this.chosen);
    for (const other of this.columns[c].spans) if (other.tabIndex === 0) other.tabIndex = -1;
    span.tabIndex = 0;
    span.classList.add("aigc-w-chosen");
    const [text, p, rank, , others] = this.columns[c].told[i];
    const isEnd = this.value.columns[c].ended && i === this.columns[c].told.length - 1;
    const token = text ? this.quoted(text) : isEnd ? this.words.end : this.words.part;
    const says = p === null ? (others ? this.words.first : this.words.unread) : filled(this.words.at, { token, p: percent(p), rank });
    const branches = this.value.onward && others?.some((other) => this.isBranch(other, text));
    const hint = branches ? [h("p", { className: "aigc-w-small" }, this.words.branch)] : [];
    this.look.replaceChildren(h("p", {}, p === null ? filled(says, { token }) : says), ...(others?.length ? [this.table(others, text), ...hint] : []));
  }

  /** Whether a text could go on from this alternative: neither a mark nor what stands there. */
  isBranch([other, , , isText = true], text) { return isText && other !== text; }

  goOn(from) {
    this.told.onward({ ...from, ...(this.value.example ? { example: this.value.example } : {}) });
  }

  /** An alternative, to be clicked where a text can go on from it. */
  branch(other, o, text) {
    const quoted = this.quoted(other[0]);
    if (!this.value.onward || !this.isBranch(other, text)) return quoted;
    const [column, token] = this.chosen;
    const button = h("button", { type: "button", className: "aigc-begins aigc-w-branch", onclick: () => this.goOn({ column, token, other: o }) }, quoted);
    button.ariaLabel = button.title = filled(this.words.instead, { token: quoted });
    return button;
  }

  table(others, text) {
    const shaped = others.some((other) => other[2] !== null);
    const head = h("tr", {}, h("th", {}, this.words.token), h("th", { colSpan: 2 }, this.words.p), ...(shaped ? [h("th", {}, this.words.shaped)] : []));
    const rows = others.map((row, o) => {
      const [other, p, chance] = row;
      const bar = h("i", { className: "aigc-w-bar" });
      bar.style.width = `${Math.max(1, 100 * p)}%`;
      const after = shaped ? [h("td", {}, chance ? percent(chance) : this.words.never)] : [];
      return h("tr", { className: other === text ? "aigc-w-this" : "" }, h("td", {}, this.branch(row, o, text)), h("td", {}, percent(p)), h("td", { className: "aigc-w-bars" }, bar), ...after);
    });
    return h("table", { className: "aigc-w-others" }, h("thead", {}, head), h("tbody", {}, ...rows));
  }

  quoted(text) {
    if (/^ +$/.test(text)) return `␣ ${this.words.space}`;
    if (/^\s+$/.test(text)) return `↵ ${this.words.line}`;
    return `“${text.replace(/\n/g, "↵").replace(/^ | $/g, "␣")}”`;
  }
}

function lines(text) {
  const [, lead, inner, tail] = /^(\n*)([\s\S]*?)(\n*)$/.exec(text);
  return inner ? [lead, inner, tail] : ["", "", lead];
}

function breaks(newlines) {
  return [...newlines].map(() => document.createElement("br"));
}

function percent(p) {
  if (p >= 0.9995) return "100 %";
  return p >= 0.1 ? `${(100 * p).toFixed(0)} %` : p >= 0.001 ? `${Number((100 * p).toPrecision(2))} %` : "< 0.1 %";
}
