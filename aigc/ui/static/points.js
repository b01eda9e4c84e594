// A 2-D set: real and generated points, the critic's field, the latent grid and the paths of denoising, on one canvas.

import { h } from "./dom.js";

const REACH = 3; // the square drawn is [-REACH, REACH]², in standard deviations of the data
const ORDER = ["field", "grid", "paths", "real", "reconstructed", "points"];
const ROLE = { real: "real", points: "generated", reconstructed: "generated", field: "judge", grid: "noise", paths: "noise" };

function rgb(colour) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = colour;
  const hex = pen.fillStyle;
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

export class Cloud {
  constructor(words, layers) {
    Object.assign(this, { words, layers, off: new Set(), arrays: {}, time: 1 });
    this.canvas = h("canvas", { className: "aigc-cloud", role: "img" });
    this.toggles = h("div", { className: "aigc-layers" });
    this.slider = h("input", { type: "range", min: 0, max: 1, step: 0.01, value: 1, "aria-label": words.step_of_path, oninput: () => this.travel() });
    this.path = h("label", { className: "aigc-path", hidden: true }, `${words.step_of_path} `, this.slider);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  }

  /** `arrays`: {name: nested lists}; `real`: the same points all through a run. */
  show(arrays, real, title) {
    this.arrays = real ? { ...arrays, real } : arrays;
    this.canvas.setAttribute("aria-label", title);
    const here = ORDER.filter((name) => this.arrays[name]?.length);
    if (String(here) !== String(this.here)) this.offer(here);
    this.path.hidden = !this.arrays.paths;
    this.draw();
  }

  /** A switch for each layer there is. */
  offer(here) {
    this.here = here;
    const boxes = here.map((name) => {
      const box = h("input", { type: "checkbox", checked: !this.off.has(name), onchange: () => this.switch(name, box.checked) });
      return h("label", { className: "aigc-layer", style: `--c: var(--aigc-${ROLE[name]})` }, box, ` ${this.layers[name] ?? name}`);
    });
    this.toggles.replaceChildren(...boxes);
  }

  switch(name, on) {
    if (on) this.off.delete(name);
    else this.off.add(name);
    this.draw();
  }

  travel() {
    this.time = Number(this.slider.value);
    this.draw();
  }

  draw() {
    const side = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1));
    if (!side) return;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const style = getComputedStyle(this.canvas);
    this.pen = this.canvas.getContext("2d");
    this.pen.clearRect(0, 0, side, side);
    this.unit = side / (2 * REACH);
    this.grain = Math.max(1, side / 640);
    for (const name of ORDER) {
      if (this.arrays[name]?.length && !this.off.has(name)) this[name](this.arrays[name], style.getPropertyValue(`--aigc-${ROLE[name]}`).trim(), style);
    }
  }

  x(p) {
    return (p[0] + REACH) * this.unit;
  }

  y(p) {
    return (REACH - p[1]) * this.unit;
  }

  dots(points, colour, size, alpha) {
    this.pen.fillStyle = colour;
    this.pen.globalAlpha = alpha;
    for (const p of points) {
      this.pen.beginPath();
      this.pen.arc(this.x(p), this.y(p), size * this.grain, 0, 7);
      this.pen.fill();
    }
    this.pen.globalAlpha = 1;
  }

  line(points, colour, alpha, width = 1) {
    this.pen.strokeStyle = colour;
    this.pen.globalAlpha = alpha;
    this.pen.lineWidth = width * this.grain;
    this.pen.beginPath();
    for (const p of points) this.pen.lineTo(this.x(p), this.y(p));
    this.pen.stroke();
    this.pen.globalAlpha = 1;
  }

  real(points, colour) {
    this.dots(points, colour, 2, 0.55);
  }

  /** With paths shown, the generated points stand where they are at the moment of the slider. */
  points(points, colour) {
    const paths = this.arrays.paths;
    this.dots(paths && this.time < 1 ? this.between(paths) : points, colour, 2.4, 0.8);
  }

  reconstructed(points, colour) {
    this.dots(points, colour, 1.6, 0.5);
  }

  between(paths) {
    const at = this.time * (paths.length - 1);
    const i = Math.min(paths.length - 2, Math.floor(at));
    return paths[i].map((p, n) => [p[0] + (paths[i + 1][n][0] - p[0]) * (at - i), p[1] + (paths[i + 1][n][1] - p[1]) * (at - i)]);
  }

  /** (T, n, 2): the way of some points; all of them would be a carpet. */
  paths(paths, colour) {
    const upTo = 1 + Math.round(this.time * (paths.length - 1));
    const every = Math.ceil(paths[0].length / 60);
    for (let n = 0; n < paths[0].length; n += every) this.line(paths.slice(0, upTo).map((state) => state[n]), colour, 0.4);
  }

  /** (K, K, 2): rows and columns of latents, decoded. */
  grid(grid, colour) {
    for (const row of grid) this.line(row, colour, 0.7);
    for (let i = 0; i < grid[0].length; i++) this.line(grid.map((row) => row[i]), colour, 0.7);
  }

  /** (G, G) row by row from below: towards the colour of real data where the critic believes, of generated data where not. */
  field(field, _, style) {
    const side = field.length;
    const values = field.flat().sort((a, b) => a - b);
    const low = values[Math.floor(values.length * 0.02)];
    const high = values[Math.floor(values.length * 0.98)];
    const [cold, hot] = ["generated", "real"].map((role) => rgb(style.getPropertyValue(`--aigc-${role}`).trim()));
    const small = h("canvas", { width: side, height: side });
    const pen = small.getContext("2d");
    const image = pen.createImageData(side, side);
    field.forEach((row, j) => {
      row.forEach((v, i) => {
        const share = Math.max(-1, Math.min(1, (2 * (v - low)) / (high - low || 1) - 1)); // -1: surely made, 1: surely real
        const [r, g, b] = share < 0 ? cold : hot;
        image.data.set([r, g, b, 105 * Math.abs(share)], 4 * ((side - 1 - j) * side + i));
      });
    });
    pen.putImageData(image, 0, 0);
    const extent = this.arrays.extent ?? [-REACH, REACH];
    const cell = (extent[1] - extent[0]) / (side - 1); // values stand at the middle of their cells
    const edge = [extent[0] - cell / 2, extent[1] + cell / 2];
    this.pen.drawImage(small, this.x(edge), this.y(edge), side * cell * this.unit, side * cell * this.unit);
  }
}
