// Asking the server. Addresses are relative to the page, which may stand under any prefix; they are made without the
// user and password of the page's own address, with which a browser refuses to fetch.

const PATIENCE = 5000; // milliseconds that an answer may take

export const address = (path) => new URL(path, location.origin + location.pathname).href;

/** The JSON at `path`. Raises an Error whose message is fit for the page. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(address(path), { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE), ...options });
  } catch {
    throw new Error("the server does not answer");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => null);
  throw new Error(problem?.detail ?? `the server answers ${answer.status}`);
}

export function post(path, content, options = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(content), ...options });
}

export const remove = (path) => ask(path, { method: "DELETE" });
