// The example that stands where nothing was made yet: it is fetched when its place is seen.

/** The panel shows the example that an empty value names, unless something else stands there or is on its way by then. */
export async function exemplify(panel, value) {
  const { name, says } = value.example;
  const answer = await fetch(`./aigc/examples/${name}`).catch(() => null); // without it stands what to press
  if (!answer?.ok) return;
  const example = await answer.json();
  if (panel.value === value && !panel.isBusy && !panel.starting?.waits) panel.show({ ...example, status: says, example: name });
}
