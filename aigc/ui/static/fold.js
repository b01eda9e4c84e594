// On a narrow screen the result stands below the form: the settings are folded, so that it is not far below.

const SETTINGS = ".aigc-knob, .aigc-fold, .aigc-model";

/** A button before the first of the settings of the form around `element` opens and closes all of them; live.css hides it on a wide screen. */
export function fold(element, words) {
  const form = element.closest(".aigc-form");
  const first = form?.querySelector(SETTINGS);
  if (!first || form.querySelector(".aigc-unfolds")) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "aigc-unfolds", textContent: words, ariaExpanded: "false" });
  button.addEventListener("click", () => {
    button.ariaExpanded = String(form.classList.toggle("aigc-unfolded"));
  });
  first.before(button);
}
