// An X/Y grid: the values of two settings above and beside the cells, whatever stands in those.

import { h } from "./dom.js";

/** Fills `place` anew: `x` and `y` are {label, values}, `cell(index, name)` makes what stands at a place, row by row. */
export function crossed(place, { x, y }, cell) {
  place.style.setProperty("--columns", x.values.length);
  const head = (text, name) => h("span", { className: name }, text);
  const rows = y.values.flatMap((value, row) => [
    head(value, "aigc-g-row"),
    ...x.values.map((across, column) => cell(row * x.values.length + column, `${x.label} ${across}, ${y.label} ${value}`)),
  ]);
  const axes = h("span", { className: "aigc-g-axes" }, h("span", {}, `${y.label} ↓`), " ", h("span", {}, `${x.label} →`));
  place.replaceChildren(axes, ...x.values.map((value) => head(value, "aigc-g-column")), ...rows);
}
