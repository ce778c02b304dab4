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

/** Calls `onState` with each whole state, for as long as the page lives, and `onConnection` with true or false. */
export function follow(onState, onConnection) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/-/events`);
  socket.onopen = () => onConnection(true);
  socket.onmessage = (event) => onState(JSON.parse(event.data));
  socket.onclose = () => {
    onConnection(false);
    setTimeout(() => follow(onState, onConnection), RETRY_AFTER);
  };
}
