// Elements, numbers and thinning: what the other files of the live panel share.

const NARROW = 860; // pixels, as in live.css: the result stands below the form

/** An element with properties, "on..." listeners and attributes set, and children inside. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The same for SVG, which knows attributes only. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set text only when it differs, so that a screen reader is not told the same twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The line above a result says what a value of it tells; a refusal is marked. */
export function tell(line, { status = "", refused = false }) {
  say(line, status);
  line.classList.toggle("aigc-refused", refused);
}

/** Scroll to what answers a button, where it is out of sight: below the form on a phone, above the end of a long one. */
export function bring(element) {
  const { top, bottom } = element.getBoundingClientRect();
  const lowest = window.innerWidth > NARROW ? 0.8 : 0.5; // of the window's height; on a phone it fills the rest of it
  if (top > window.innerHeight * lowest || bottom < window.innerHeight * 0.4) element.scrollIntoView({ block: "start" });
}

/** A number with four digits, without trailing zeros. */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

/** Replace each {name} of a sentence. */
export function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** At most `limit` points [images, seconds, value]: both ends, lowest and highest of each stretch, as the server thins them. */
export function thin(points, limit) {
  if (points.length <= limit) return points;
  const inner = points.slice(1, -1);
  const stretches = Math.floor((limit - 2) / 2);
  const kept = [points[0]];
  for (let i = 0; i < stretches; i++) {
    const stretch = inner.slice(Math.floor((i * inner.length) / stretches), Math.floor(((i + 1) * inner.length) / stretches));
    const finite = stretch.filter((p) => p[2] !== null);
    const low = finite.reduce((a, b) => (b[2] < a[2] ? b : a), finite[0] ?? stretch[0]);
    const high = finite.reduce((a, b) => (b[2] > a[2] ? b : a), finite[0] ?? stretch[0]);
    kept.push(...(low === high ? [low] : stretch.indexOf(low) < stretch.indexOf(high) ? [low, high] : [high, low]));
  }
  return [...kept, points.at(-1)];
}

/** The last place in a sorted list at which `key` is no more than x; 0 if there is none. */
export function lastBefore(list, x, key) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) <= x) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
