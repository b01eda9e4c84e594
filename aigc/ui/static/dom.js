// Elements, numbers and thinning: what the other files of the live panel share.

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

/** At most `limit` points [images, seconds, value]: lowest and highest of each stretch, as the server thins them. */
export function thin(points, limit) {
  if (points.length <= limit) return points;
  const kept = [];
  const stretches = limit / 2;
  for (let i = 0; i < stretches; i++) {
    const stretch = points.slice(Math.floor((i * points.length) / stretches), Math.floor(((i + 1) * points.length) / stretches));
    let low = stretch[0];
    let high = stretch[0];
    for (const p of stretch) {
      if (p[2] !== null && (low[2] === null || p[2] < low[2])) low = p;
      if (p[2] !== null && (high[2] === null || p[2] > high[2])) high = p;
    }
    kept.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
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
