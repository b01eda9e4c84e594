// The list beside a logarithmic number may be typed into. Gradio's Enter takes the first entry that contains what was typed, so
// that 12 becomes 128: here Enter takes what was typed, unless the arrow keys have gone to an entry of the list.

let typed = false;

document.addEventListener(
  "keydown",
  (event) => {
    const box = event.target.closest?.(".aigc-ladder input");
    if (!box) return;
    if (event.key === "Enter" && typed) {
      event.preventDefault();
      event.stopPropagation();
      box.blur();
    }
    typed = event.key.length === 1 || event.key === "Backspace" || event.key === "Delete";
  },
  { capture: true }, // before Gradio's own
);
