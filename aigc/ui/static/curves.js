// Curves of named loss terms, and bars for figures that are a row of numbers. SVG, so that colours follow the theme by themselves.

import { figure, h, lastBefore, say, svg } from "./dom.js";

const HEIGHT = 172;
const KEPT_FREE = 3; // plots for which there is room before anything is known
const ROOM = { left: 46, right: 10, top: 8, bottom: 20 };
const DASHES = ["", "7 3", "2 3", "8 3 2 3", "14 4", "8 3 2 3 2 3"]; // curves of one role in one plot are told apart by their dashes
const DOUBLE_MS = 500; // between the two presses of a double click
const SPARSE = 40; // points; so few are shown one by one

/** Round numbers between low and high: about `count` of them, or the decades of a log axis. */
function ticks(low, high, count, log) {
  if (log && high / low > 30) {
    const decades = [];
    const every = Math.ceil(Math.log10(high / low) / count);
    for (let e = Math.ceil(Math.log10(low)); 10 ** e <= high; e += every) decades.push(10 ** e);
    return decades;
  }
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

/** Exponential average, corrected for its start; `amount` 0 leaves the points alone. */
function smoothed(points, amount) {
  if (!amount) return points;
  let sum = 0;
  let weight = 0;
  return points.map(([images, seconds, value]) => {
    if (value === null) return [images, seconds, null];
    sum = amount * sum + (1 - amount) * value;
    weight = amount * weight + (1 - amount);
    return [images, seconds, sum / weight];
  });
}

/** One plot: the terms of one panel over images or seconds. */
class Plot {
  constructor(group, title, terms) {
    this.group = group;
    this.terms = terms; // {name: {label, help, role, unit}}, and {dash, linear} where it is the caller's
    this.linear = Object.values(terms).every((term) => term.linear || term.unit === "%");
    this.lines = {};
    this.legend = h("div", { className: "aigc-legend" });
    this.canvas = svg("svg", { class: "aigc-plot", height: HEIGHT, role: "img", "aria-label": title });
    this.grid = svg("g", { class: "aigc-grid" });
    this.paths = svg("g");
    this.marker = svg("line", { class: "aigc-marker", y1: ROOM.top, y2: HEIGHT - ROOM.bottom });
    this.hover = svg("line", { class: "aigc-hover", y1: ROOM.top, y2: HEIGHT - ROOM.bottom });
    this.band = svg("rect", { class: "aigc-band", y: ROOM.top, height: HEIGHT - ROOM.top - ROOM.bottom, width: 0 });
    this.canvas.append(this.grid, this.band, this.paths, this.marker, this.hover);
    this.element = h("figure", { className: "aigc-figure" }, h("figcaption", {}, h("b", {}, title), this.legend), this.canvas);
    this.listen();
  }

  /** The line and the legend entry of a term, made when its first point comes. */
  line(name) {
    return (this.lines[name] ??= this.addLine(name));
  }

  addLine(name) {
    const term = this.terms[name] ?? { label: name, help: "", role: "loss", unit: "" };
    const colour = `var(--aigc-${term.role})`;
    const sameRole = Object.keys(this.lines).filter((other) => (this.terms[other]?.role ?? "loss") === term.role).length;
    const dash = DASHES[(term.dash ?? sameRole) % DASHES.length];
    const raw = svg("path", { class: "aigc-raw", stroke: colour });
    const path = svg("path", { class: "aigc-line", stroke: colour, "stroke-dasharray": dash });
    const dots = svg("path", { class: "aigc-dots-line", stroke: colour });
    this.paths.append(raw, path, dots);
    const value = h("span", { className: "aigc-value" });
    const sample = svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash });
    const swatch = svg("svg", { width: 22, height: 8 }, sample);
    const hide = h("button", { type: "button", className: "aigc-swatch", "aria-pressed": String(!this.group.hidden.has(name)), title: this.group.words.hide }, swatch);
    hide.setAttribute("aria-label", `${term.label}: ${this.group.words.hide}`);
    hide.onclick = () => this.group.toggle(name, hide);
    const label = h("button", { type: "button", className: "aigc-term", title: term.help, onclick: () => this.group.explain(term) }, term.label);
    const unit = h("small", {}, term.unit);
    this.legend.append(h("span", { className: "aigc-entry" }, hide, label, value, unit));
    return { raw, path, dots, value };
  }

  /** Pointing shows values, a click goes to that moment, a drag zooms, and a double click shows everything again. */
  listen() {
    let from = null;
    let picked = { at: -Infinity, undo: null };
    const at = (event) => event.clientX - this.canvas.getBoundingClientRect().left;
    this.canvas.addEventListener("pointerdown", (event) => (from = event.button ? null : at(event)));
    this.canvas.addEventListener("pointermove", (event) => {
      const x = at(event);
      const dragged = from !== null && event.buttons && Math.abs(x - from) > 6;
      this.band.setAttribute("x", Math.min(from ?? x, x));
      this.band.setAttribute("width", dragged ? Math.abs(x - from) : 0);
      this.group.peek(this.toX(x));
    });
    this.canvas.addEventListener("pointerup", (event) => {
      const x = at(event);
      if (from === null) return;
      if (Math.abs(x - from) > 6) this.group.zoom([this.toX(Math.min(from, x)), this.toX(Math.max(from, x))]);
      else if (event.timeStamp - picked.at > DOUBLE_MS) picked = { at: event.timeStamp, undo: this.group.pick(this.toX(x)) };
      from = null;
      this.band.setAttribute("width", 0);
    });
    this.canvas.addEventListener("pointerleave", () => {
      from = null;
      this.band.setAttribute("width", 0);
      this.group.peek(null);
    });
    this.canvas.addEventListener("dblclick", () => {
      picked.undo?.();
      this.group.zoom(null);
    });
  }

  toX(pixel) {
    const [low, high] = this.span ?? [0, 1];
    return low + ((pixel - ROOM.left) / (this.width - ROOM.left - ROOM.right || 1)) * (high - low);
  }

  draw() {
    this.width = this.canvas.clientWidth || this.element.clientWidth || 300;
    const { axis, smooth, hidden, curves } = this.group;
    const log = this.group.log && !this.linear; // a share has no decades
    const mine = Object.keys(curves).filter((name) => this.terms[name]);
    this.span = this.group.span();
    const shown = mine.filter((name) => !hidden.has(name)).map((name) => [name, smoothed(curves[name], smooth)]);
    const inside = shown.flatMap(([, points]) => points.filter((p) => p[2] !== null && p[axis] >= this.span[0] && p[axis] <= this.span[1]));
    const usable = log ? inside.filter((p) => p[2] > 0) : inside;
    this.range = reach(usable.map((p) => p[2]), log);
    this.drawGrid(log, inside.length > 0);
    for (const name of mine) {
      const line = this.line(name);
      const points = shown.find(([other]) => other === name)?.[1];
      line.path.setAttribute("d", points ? this.trace(points, axis, log) : "");
      line.raw.setAttribute("d", points && smooth ? this.trace(curves[name], axis, log) : "");
      line.dots.setAttribute("d", points && points.length <= SPARSE && this.terms[name].sparse ? this.trace(points, axis, log, true) : "");
    }
    this.point(this.group.pointed, this.group.marked);
  }

  /** The value column of the legend and the two upright lines, at moments given as [images, seconds]. */
  point(pointed, marked) {
    const { axis, curves } = this.group;
    for (const [line, moment] of [[this.hover, pointed], [this.marker, marked]]) {
      const x = moment ? this.pixelX(this.group.range ? moment[axis] : Math.min(moment[axis], this.span[1])) : -1;
      const seen = x >= ROOM.left - 1 && x <= this.width - ROOM.right + 1;
      line.setAttribute("visibility", seen ? "visible" : "hidden");
      if (!seen) continue;
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
    for (const [name, line] of Object.entries(this.lines)) {
      const points = curves[name] ?? [];
      const moment = pointed ?? marked;
      const here = moment ? points[lastBefore(points, moment[axis], (p) => p[axis])] : points.at(-1);
      say(line.value, here ? figure(here[2]) : "");
    }
  }

  pixelX(x) {
    const [low, high] = this.span;
    return ROOM.left + ((x - low) / (high - low || 1)) * (this.width - ROOM.left - ROOM.right);
  }

  pixelY(y, log) {
    const [low, high] = this.range;
    const share = log ? Math.log(y / low) / Math.log(high / low) : (y - low) / (high - low);
    return HEIGHT - ROOM.bottom - share * (HEIGHT - ROOM.top - ROOM.bottom);
  }

  /** The line through the points, or a dot on each. */
  trace(points, axis, log, dots = false) {
    let pen = "M";
    let d = "";
    for (const p of points) {
      const drawn = p[2] !== null && (!log || p[2] > 0) && p[axis] >= this.span[0] && p[axis] <= this.span[1];
      if (drawn) d += `${pen}${this.pixelX(p[axis]).toFixed(1)} ${this.pixelY(p[2], log).toFixed(1)}${dots ? "h0" : ""}`;
      pen = drawn && !dots ? "L" : "M";
    }
    return d;
  }

  /** Lines and numbers; numbers only when there is something to measure. */
  drawGrid(log, measured) {
    this.grid.classList.toggle("aigc-blank", !measured);
    const marks = [];
    for (const y of ticks(...this.range, 5, log)) {
      const pixel = this.pixelY(y, log);
      marks.push(svg("line", { x1: ROOM.left, x2: this.width - ROOM.right, y1: pixel, y2: pixel }));
      marks.push(svg("text", { x: ROOM.left - 6, y: pixel + 4, "text-anchor": "end" }, figure(y)));
    }
    for (const x of ticks(...this.span, Math.max(2, Math.floor(this.width / 90)), false)) {
      const pixel = this.pixelX(x);
      const edge = pixel > this.width - 24 ? "end" : "middle";
      marks.push(svg("text", { x: Math.min(pixel, this.width - 2), y: HEIGHT - 5, "text-anchor": edge }, this.group.compact.format(x)));
    }
    this.grid.replaceChildren(...marks);
  }
}

/** Bounds of an axis with a little air, never of no height. */
function reach(values, log) {
  let low = Infinity;
  let high = -Infinity;
  for (const v of values) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (log) return low === high ? [low / 2, high * 2] : [low * 0.95, high * 1.05];
  const air = (high - low) * 0.06 || Math.abs(high) * 0.1 || 0.5;
  return [low >= 0 && low < air * 4 ? 0 : low - air, high + air];
}

/** All plots of a run, on one x axis that they share, with its controls. */
export class Curves {
  constructor(words, lang, { onpick, onpeek, onexplain }) {
    Object.assign(this, { words, onpick, onpeek, explain: onexplain });
    this.compact = new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 1 });
    Object.assign(this, { axis: 0, log: false, smooth: 0, range: null, hidden: new Set(), curves: {}, plots: [], marked: null, pointed: null });
    this.whole = h("button", { type: "button", className: "aigc-small", hidden: true, onclick: () => this.zoom(null) }, words.whole);
    this.host = h("div", { className: "aigc-plots" });
    this.element = h("section", { className: "aigc-curves", "aria-label": words.curves }, this.controls(), this.host);
    new ResizeObserver(() => this.draw()).observe(this.host);
  }

  controls() {
    const w = this.words;
    const log = h("input", { type: "checkbox", onchange: () => this.set({ log: log.checked }) });
    const smooth = h("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: 0, oninput: () => this.set({ smooth: Number(smooth.value) }) });
    const axis = h("select", { "aria-label": w.across, onchange: () => this.set({ axis: Number(axis.value), range: null }) });
    this.examples = h("option", { value: 0 }, w.by_images);
    axis.append(this.examples, h("option", { value: 1 }, w.by_seconds));
    const labels = [[`${w.across} `, axis], [log, ` ${w.log_axis}`], [`${w.smooth} `, smooth]].map((inside) => h("label", {}, ...inside));
    return h("div", { className: "aigc-controls", title: w.zoom_help }, ...labels, this.whole);
  }

  set(changes) {
    Object.assign(this, changes);
    this.whole.hidden = !this.range;
    this.draw();
  }

  /** New plots for these terms: {name: {label, panel, ...}} and {panel: title}. */
  setTerms(terms, panels) {
    const curves = Object.entries(terms).filter(([, term]) => !term.row);
    const used = Object.entries(panels).filter(([panel]) => curves.some(([, term]) => term.panel === panel));
    this.plots = used.map(([panel, title]) => new Plot(this, title, Object.fromEntries(curves.filter(([, t]) => t.panel === panel))));
    this.host.replaceChildren(...this.plots.map((plot) => plot.element));
    this.draw();
  }

  setCurves(curves) {
    this.curves = curves;
    this.draw();
  }

  /** A plot keeps its place before the run has begun; afterwards only those that this run fills are shown. */
  draw() {
    if (!this.host.clientWidth) return;
    const begun = Object.values(this.curves).some((points) => points.length > 1);
    this.plots.forEach((plot, i) => {
      plot.element.hidden = begun ? !Object.keys(plot.terms).some((name) => this.curves[name]) : i >= KEPT_FREE;
      if (!plot.element.hidden) plot.draw();
    });
  }

  /** What the x axis covers: the zoom, or everything so far. */
  span() {
    if (this.range) return this.range;
    const filled = Object.values(this.curves).filter((points) => points.length);
    const high = Math.max(0, ...filled.map((points) => points.at(-1)[this.axis]));
    return [0, high || 1];
  }

  zoom(range) {
    this.set({ range: range && range[1] > range[0] ? range : null });
  }

  /** The moment that the scrubber shows, [images, seconds]. */
  mark(moment) {
    this.marked = moment;
    for (const plot of this.plots) if (plot.span) plot.point(this.pointed, this.marked);
  }

  peek(x) {
    this.pointed = x === null ? null : this.moment(x);
    this.mark(this.marked);
    this.onpeek(this.pointed);
  }

  /** -> what takes it back */
  pick(x) {
    return this.onpick(this.moment(x));
  }

  /** [images, seconds] of the point nearest before x on the axis in use. */
  moment(x) {
    const longest = Object.values(this.curves).reduce((a, b) => (b.length > a.length ? b : a), []);
    return longest.length ? longest[lastBefore(longest, x, (p) => p[this.axis])] : null;
  }

  toggle(name, button) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    button.setAttribute("aria-pressed", String(!this.hidden.has(name)));
    this.draw();
  }
}

/** Bars of one figure that is a row of numbers: KL of each latent dimension, loss at each noise level. */
export class Bars {
  constructor(term) {
    this.term = term;
    this.canvas = svg("svg", { class: "aigc-plot", height: HEIGHT, role: "img", "aria-label": term.label });
    const caption = h("figcaption", {}, h("b", { title: term.help }, term.label), h("small", {}, term.unit), h("p", {}, term.help));
    this.element = h("figure", { className: "aigc-figure" }, caption, this.canvas);
    new ResizeObserver(() => this.draw(this.row ?? [])).observe(this.element);
  }

  draw(row) {
    this.row = row;
    const width = this.canvas.clientWidth;
    if (!width) return;
    const [low, high] = reach([0, ...row.filter((v) => v !== null)], false);
    const y = (v) => HEIGHT - ROOM.bottom - ((v - low) / (high - low)) * (HEIGHT - ROOM.top - ROOM.bottom);
    const each = (width - ROOM.left - ROOM.right) / Math.max(1, row.length);
    const parts = ticks(low, high, 5, false).flatMap((v) => [
      svg("line", { x1: ROOM.left, x2: width - ROOM.right, y1: y(v), y2: y(v) }),
      svg("text", { x: ROOM.left - 6, y: y(v) + 4, "text-anchor": "end" }, figure(v)),
    ]);
    const every = Math.ceil(row.length / Math.max(1, Math.floor(width / 34)));
    row.forEach((v, i) => {
      const x = ROOM.left + i * each;
      if (i % every === 0) parts.push(svg("text", { x: x + each / 2, y: HEIGHT - 5, "text-anchor": "middle" }, String(i + 1)));
      if (v === null) return;
      const box = { x: x + each * 0.12, width: each * 0.76, y: Math.min(y(v), y(0)), height: Math.max(1, Math.abs(y(v) - y(0))) };
      parts.push(svg("rect", { ...box, fill: `var(--aigc-${this.term.role})` }, svg("title", {}, `${i + 1}: ${figure(v)} ${this.term.unit}`)));
    });
    this.canvas.replaceChildren(svg("g", { class: "aigc-grid" }, ...parts));
  }
}
