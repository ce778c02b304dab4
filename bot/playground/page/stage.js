/** The stage beside the chat: the recordings and what can be done to them, what can go wrong, notices, the clock. */

import { element, on } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { send } from "./server.js";

const STATUS = { 0: "abnormal", 1: "not started", 2: "running", 3: "ended", 4: "failed" };
const DOINGS = [
  ["end", "End"], ["fail", "Fail"], ["idle", "Idle out"], ["leave_files", "Files come"], ["lose_files", "Lose files"],
  ["replace", "Replace"], ["forget", "Forget"], ["restore", "Start over"],
];
const RTC_FAULTS = [["", "well"], ["slow", "slow (4 s)"], ["down", "down"], ["429", "429"], ["skewed", "clock 20 min ahead"]];
const SLACK_FAULTS = [["", "well"], ["429", "429"], ["down", "down"], ["reset", "reset after posting"], ["sockets", "sockets reset"]];
const HOUR = 3600;

export class Stage {
  state = null;
  #chosen = null;
  #drawn = {};
  #waiting = [];

  /** `host` is the page: `host.command(text)` sends as the person who is chosen, `host.personName(id)` names one. */
  constructor(host) {
    this.host = host;
    this.find = (id) => document.getElementById(id);
    this.#wire();
  }

  #wire() {
    const { find } = this;
    offerFaults(find("rtc-fault"), RTC_FAULTS, (fault) => this.arrange("rtc", { fault }));
    offerFaults(find("slack-fault"), SLACK_FAULTS, (fault) => this.arrange("slack", { fault }));
    on(find("hour"), "click", () => this.arrange("clock", { forward: HOUR }));
    on(find("own"), "submit", (event) => {
      event.preventDefault();
      this.#showOwn();
    });
  }

  async arrange(what, said) {
    const answer = await send(`/-/stage/${what}`, said);
    this.find("stage-problem").textContent = answer.ok ? "" : answer.error ?? "That did not work.";
    return answer;
  }

  async #showOwn() {
    const [room, task] = [this.find("own-room").value.trim(), this.find("own-task").value.trim()];
    const told = await send("/-/stage/own", { answer: this.find("own-answer").value, room, task });
    this.find("own-problem").textContent = told.ok ? "" : told.error ?? "That did not work.";
    if (told.ok) this.host.command(`/rectask ${told.room} ${told.task}`);
  }

  /** As soon as the bot is connected, or after so many milliseconds. */
  connected(patience) {
    if (isConnected(this.state.slack)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      setTimeout(resolve, patience);
    });
  }

  /** Opens what can be done to the task; its node, or null where the stage has none. */
  choose(room, task) {
    this.#chosen = `${room}/${task}`;
    this.show(this.state);
    return this.find("recordings").querySelector("[aria-expanded=true]")?.parentElement ?? null;
  }

  /** The task's row, as the stage knows it. */
  row(room, task) {
    return this.state?.rtc?.tasks.find((one) => one.room === room && one.task === task);
  }

  show(state) {
    this.state = state;
    const { clock, slack, rtc, notices } = state;
    this.find("clock").textContent = clock.ahead ? `${inWords(clock.ahead)} ahead` : "as it is";
    this.find("sockets").textContent = connection(slack);
    if (isConnected(slack)) for (const go of this.#waiting.splice(0)) go();
    this.find("slack-fault").value = slack.fault ?? "";
    for (const node of document.querySelectorAll("[data-needs=rtc]")) node.hidden = !rtc;
    if (rtc) showFault(this.find("rtc-fault"), rtc);
    this.#redraw("recordings", rtc?.tasks ?? [], (tasks) => tasks.map((task) => this.#recording(task)));
    this.#redraw("notices", notices, (rows) => this.#notices(rows));
  }

  /** Only where something changed, and the focus stays where it was. */
  #redraw(id, data, make) {
    const json = JSON.stringify([data, this.#chosen]);
    if (this.#drawn[id] === json) return;
    this.#drawn[id] = json;
    const list = this.find(id);
    keepingFocus(list, () => list.replaceChildren(...make(data)));
  }

  #recording(task) {
    const key = `${task.room}/${task.task}`;
    const isChosen = this.#chosen === key;
    const name = task.task === "Task1" ? task.room : `${task.room} ${task.task}`;
    const head = element("button", { type: "button", class: "row", "data-key": "row", "aria-expanded": String(isChosen) },
      element("code", {}, name), element("span", { class: `status s${task.status ?? ""}` }, statusOf(task)));
    on(head, "click", () => {
      this.#chosen = isChosen ? null : key;
      this.show(this.state);
    });
    return element("li", { "data-key": key }, head, isChosen ? this.#controls(task) : null);
  }

  #controls(task) {
    const { room, task: id } = task;
    const ask = button("Look up", () => this.host.command(`/rectask ${room} ${id}`), "primary");
    const doings = DOINGS.map(([what, words]) => button(words, () => this.arrange("task", { do: what, room, task: id })));
    return element("div", { class: "controls", role: "group", "aria-label": `What happens to ${room}` },
      element("p", {}, task.about), ask, ...doings);
  }

  #notices(rows) {
    if (!rows.length) return [element("li", { class: "none" }, "Nobody is subscribed to anything.")];
    return rows.map((row) => element("li", {},
      element("span", {}, this.host.personName(row.person)), " ", element("code", {}, `${row.room} ${row.task}`), " ",
      element("span", { class: `status ${row.notice ?? ""}` }, row.notice ?? row.phase),
      row.reason ? element("small", {}, ` ${row.reason}`) : null));
  }
}

function offerFaults(select, faults, choose) {
  select.replaceChildren(...faults.map(([value, words]) => element("option", { value }, words)));
  on(select, "change", () => choose(select.value || null));
}

/** The vendor's errors stand below the faults; they are known once the stage is. */
function showFault(select, { fault, errors }) {
  if (!select.querySelector("optgroup")) {
    const options = errors.map((code) => element("option", { value: code }, code));
    select.append(element("optgroup", { label: "Answering with the error" }, ...options));
  }
  select.value = fault ?? "";
}

function button(words, act, style = "") {
  return on(element("button", { type: "button", class: `button ${style}` }, words), "click", act);
}

function statusOf({ is_known: isKnown, status, files }) {
  if (!isKnown) return "not known";
  const words = STATUS[status] ?? (status === null ? "no recording" : String(status));
  return files ? `${words}, ${files} ${files === 1 ? "file" : "files"}` : words;
}

function isConnected({ sockets, request_url: url }) {
  return sockets > 0 || Boolean(url);
}

function connection({ sockets, request_url: url }) {
  if (sockets) return `${sockets} ${sockets === 1 ? "socket" : "sockets"}`;
  return url ? "over HTTP" : "no bot yet";
}

function inWords(seconds) {
  const hours = seconds / HOUR;
  return Number.isInteger(hours) ? `${hours} h` : `${Math.round(seconds)} s`;
}

/** Rooms that are no recordings of the stage's: what goes wrong on the way to RTC. */
export function showRooms(list, rooms, choose) {
  list.replaceChildren(...rooms.map((room) => {
    const made = element("button", { type: "button", class: "row" }, element("code", {}, room.room),
      element("small", {}, room.about ?? ""));
    return element("li", {}, on(made, "click", () => choose(room)));
  }));
}

/** Beside the chat where there is room, else over it when it is asked for. */
export function wireFolding(find) {
  const show = (isShown) => {
    document.body.classList.toggle("staged", isShown);
    find("show-stage").setAttribute("aria-expanded", String(isShown));
    find("trace").scrollTop = find("trace").scrollHeight;  // what came while it was hidden
  };
  on(find("show-stage"), "click", () => {
    show(!document.body.classList.contains("staged"));
    if (document.body.classList.contains("staged")) find("hide-stage").focus();
  });
  on(find("hide-stage"), "click", () => {
    show(false);
    find("show-stage").focus();
  });
  show(matchMedia("(min-width: 1100px)").matches);
}
