// Requests to our own server, beside Gradio.

export const BASE = new URL("../", import.meta.url); // .../aigc/, wherever a proxy put it

/** GET `path`, or POST `body` to it.  Throws with `status` and, where the server said one, the sentence `told`. */
export async function ask(path, query = {}, body = undefined) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const sent = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(body === undefined ? 10000 : 120000), ...sent });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(told.error ?? ""), { status: answer.status, told: told.error });
}
