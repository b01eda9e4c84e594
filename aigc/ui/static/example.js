// The example that stands where nothing was made yet: it is fetched when its place is seen.

import { filled } from "./dom.js";

/** The panel shows the example that an empty value names, unless something else stands there or is on its way by then. */
export async function exemplify(panel, value) {
  const { name, says } = value.example;
  const answer = await fetch(`./aigc/examples/${name}`).catch(() => null); // without it stands what to press
  if (!answer?.ok) return;
  const example = await answer.json();
  if (panel.value === value && !panel.isBusy && !panel.starting?.waits) panel.show({ ...example, status: says, example: name });
}

/** What a panel is told, where a run ended and made nothing while the example stands there: it says that this is the example still. */
export function unmade({ element, words }, value) {
  const isEnd = value.kind === "same" && value.status && !value.busy && !value.again && value.chosen === undefined;
  return isEnd && element.dataset.example ? { ...value, status: filled(words.still, { line: value.status }) } : value;
}
