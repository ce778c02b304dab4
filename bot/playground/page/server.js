/** The one way to the stand-in: its state, what a person does, and news of changes. */

const RETRY_AFTER = 1_000;

export async function fetchJson(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** {acked, error} and whatever else the server adds; never raises. */
export async function send(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const told = await answer.json().catch(() => ({}));
    return { acked: false, error: answer.ok ? null : `the playground answered ${answer.status}`, ...told };
  } catch {
    return { acked: false, error: "the playground does not answer" };
  }
}

/** Calls `onNews` with each message of that WebSocket, for as long as the page lives, and `onConnection` with true or false. */
export function follow(path, onNews, onConnection = () => {}) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${path}`);
  socket.onopen = () => onConnection(true);
  socket.onmessage = (event) => onNews(JSON.parse(event.data));
  socket.onclose = () => {
    onConnection(false);
    setTimeout(() => follow(path, onNews, onConnection), RETRY_AFTER);
  };
}
