// Strokes drawn on a canvas with whatever points, and how one is painted. A point is in the canvas's own pixels.

/** `begin(point)` gives the stroke, with its `points`, that a press begins; `moved()` hears of every change of it, `ended()` of its end. */
export function strokes(canvas, { begin, moved, ended }) {
  let now = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    now = begin(place(event));
    moved();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!now) return;
    for (const e of event.getCoalescedEvents?.() ?? [event]) now.points.push(place(e));
    moved();
  });
  const end = () => {
    if (!now) return;
    now = null;
    ended();
  };
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, end);
}

export function trace(pen, points) {
  pen.beginPath();
  pen.moveTo(...points[0]);
  for (const p of points) pen.lineTo(...p);
  pen.lineTo(points.at(-1)[0] + 0.01, points.at(-1)[1]); // so that a tap leaves a dot
  pen.stroke();
}
