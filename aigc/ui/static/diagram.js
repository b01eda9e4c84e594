// How it works, the diagram: the names of its networks are brought before the arrows, which Mermaid draws across them.

const SMALLEST = 0.8; // of its own size: below that the words cannot be read, and the frame scrolls sideways instead

/** SVG paints in the order of its elements: names come last here, each at the upper left of its network. Mermaid draws in the
    document, bit by bit; a drawing that says how wide it is has been laid out. */
function lift(place) {
  for (const name of place.querySelectorAll("svg[style*=max-width] .cluster > .cluster-label")) {
    const frame = name.parentNode.querySelector("rect");
    const top = name.transform.baseVal.consolidate()?.matrix.f ?? 0;
    name.setAttribute("transform", `translate(${frame.x.baseVal.value + 8}, ${top})`);
    const drawing = name.ownerSVGElement.style;
    drawing.minWidth = `calc(${drawing.maxWidth} * ${SMALLEST})`;
    name.closest(".clusters").parentNode.append(name);
  }
}

const places = document.getElementsByClassName("aigc-diagram");

new MutationObserver(() => [...places].forEach(lift)).observe(document.body, { childList: true, subtree: true });
