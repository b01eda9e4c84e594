// The example that stands where nothing was made yet: it is fetched when its place is seen.

/** `show(value)` of the example that an empty value names, unless something else stands there by then. */
export async function exemplify({ example }, stillEmpty, show) {
  const answer = await fetch(`./aigc/examples/${example.name}`).catch(() => null); // without it stands what to press
  if (!answer?.ok) return;
  const value = await answer.json();
  if (stillEmpty()) show({ ...value, status: example.says, example: example.name });
}
