// A press of a button that begins a run is answered here at once: Gradio looks through all of its components, a second or two, before anything
// of it is seen.  It hears of the press when the answer is drawn.

import { bring, say, tell } from "./dom.js";

const BEGINS = ".aigc-x-go button.primary, .aigc-axes button[id*=grid], .aigc-begins";
const SHORTCUT = /^Mac|^iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl+Enter";
const LOOK_MS = 300;
const MOST_LOOKS = 100;
const DRAWN_MS = 100; // until when a page that nobody looks at is drawn

let passing = null; // the button whose press Gradio is told of now

function pass(button) {
  const once = () => {
    if (!waiting) return;
    waiting = false;
    passing = button;
    try {
      button.click();
    } finally {
      passing = null;
    }
  };
  let waiting = true;
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, DRAWN_MS);
}

/** The button that begins what a view is for. */
const main = (view) => view?.querySelector(".aigc-form > .aigc-x-go button.primary");

// As elsewhere, Ctrl+Enter presses it from any box of its form; who rests on it is told.
document.addEventListener("keydown", (event) => {
  const isShortcut = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing;
  const button = isShortcut && event.target.matches?.("input, textarea") && main(event.target.closest(".aigc-train"));
  if (!button) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("change", { bubbles: true })); // what is being typed counts
  button.click();
}, true);

/**
 * `begin()` when a run is begun beside what `element` shows, `takeBack()` where it is refused before it could say anything there: the page
 * tells that in a corner, or nothing comes.  `buttons` names others than those that begin runs elsewhere, and `typed` a box in which Enter
 * presses the first of them.  Gives what to call when an answer has come.
 */
export function whenPressed(element, begin, takeBack, buttons = BEGINS, typed = null) {
  const view = element.closest(".aigc-train");
  main(view)?.setAttribute("aria-keyshortcuts", "Control+Enter Meta+Enter");
  main(view)?.setAttribute("title", SHORTCUT);
  let button = null;
  let timer = 0;
  const told = () => [...document.querySelectorAll("[data-testid=toast-body]")];
  const answered = () => {
    clearInterval(timer);
    button?.classList.remove("aigc-pressed");
    button = null;
  };
  const press = (which) => {
    answered();
    button = which;
    button.classList.add("aigc-pressed");
    const before = told();
    let looks = 0;
    timer = setInterval(() => {
      if (++looks < MOST_LOOKS && told().every((one) => before.includes(one))) return;
      answered();
      takeBack();
    }, LOOK_MS);
    begin();
  };
  const held = (event, which) => {
    if (!which || which.disabled || which === passing || which.closest(".aigc-train") !== view) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    press(which);
    pass(which);
  };
  document.addEventListener("click", (event) => held(event, event.target.closest?.(buttons)), true);
  document.addEventListener("keydown", (event) => {
    const { key, shiftKey, isComposing, target } = event;
    const box = typed && key === "Enter" && !shiftKey && !isComposing && target.closest?.(typed);
    if (box && box.value.trim() && box.closest(".aigc-train") === view) held(event, view.querySelector(buttons));
  }, true);
  return answered;
}

/**
 * What a panel says from a press on until something of that run is here; `panel` has an `element` with a line `status` and a `bar`, its `words`,
 * the `newest` run that it showed, and whether that `isBusy`.
 */
export class Starting {
  constructor(panel) {
    this.panel = panel;
    this.before = null; // the run that was shown when the button was pressed, and what the line said
    this.answered = whenPressed(panel.element, () => this.begin(), () => this.takeBack());
  }

  get waits() { return this.before !== null; }

  begin() {
    const { element, status, bar, words, newest } = this.panel;
    this.before = { run: newest, said: status.textContent };
    tell(status, { status: words.starting });
    bar.hidden = false;
    bar.firstChild.style.width = 0;
    bring(element);
  }

  takeBack() {
    if (!this.waits) return;
    say(this.panel.status, this.before.said);
    this.panel.bar.hidden = !this.panel.isBusy;
    this.before = null;
  }

  /** Something of `run` is shown now: what still comes of the one before does not say how far this one is. */
  shown(run) {
    if (this.waits && run && run === this.before.run) this.begin();
    else this.over();
  }

  over() {
    this.before = null;
    this.answered();
  }
}
