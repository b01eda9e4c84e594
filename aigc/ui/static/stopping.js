// Stop is alive as long as something runs, and a press of it is answered here at once; the server hears of it at the same time.

const UNDER_WAY = ".aigc-x-bar:not([hidden]), [data-busy]";

const viewOf = (element) => element.closest(".aigc-train");

// Not `disabled`, by which the keyboard would lose its place when what it stopped has stopped.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".aigc-x-stop[aria-disabled=true]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

/** `act()` when the Stop beside what `element` shows is pressed, before Gradio looks up whom it should tell. */
export function whenStopped(element, act) {
  const view = viewOf(element);
  document.addEventListener("click", ({ target }) => target.closest(".aigc-x-stop") && viewOf(target) === view && act(), true);
}

/** The Stop of its view follows what `sign` tells: the bar of a panel by being shown, another element by what in it is busy. */
export function stopFollows(sign) {
  const view = viewOf(sign);
  const stop = view?.querySelector(".aigc-x-stop");
  if (!stop) return;
  const follow = () => {
    const isIdle = !view.querySelector(UNDER_WAY);
    stop.setAttribute("aria-disabled", String(isIdle));
    stop.tabIndex = isIdle ? -1 : 0;
  };
  new MutationObserver(follow).observe(sign, { attributes: true, attributeFilter: ["hidden", "data-busy"], childList: true, subtree: true });
  follow();
}
