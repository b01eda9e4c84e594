// A press of Stop is answered here at once; the server hears of it at the same time.

/** `act()` when the Stop beside what `element` shows is pressed, before Gradio looks up whom it should tell. */
export function whenStopped(element, act) {
  const view = element.closest(".aigc-train");
  document.addEventListener("click", ({ target }) => target.closest(".aigc-x-stop")?.closest(".aigc-train") === view && act(), true);
}
