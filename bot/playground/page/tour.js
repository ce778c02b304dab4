/** Six steps for a first visit. Each is done by hand or by the tour's own button; all can be skipped. */

import { element, on } from "./dom.js";
import { keepingFocus } from "./focus.js";

const PLACE = "rectask-tour";
const ROOM = "run-3600";
const REFUSED = "That is not a recording: this person has no access, or RTC fails. Choose somebody else, or set RTC to “well” on the stage.";

export class Tour {
  #step = -1;
  #task = "";
  #before = 0;
  #user = "";

  constructor(node, page, stage, storage) {
    Object.assign(this, { node, page, stage, storage });
  }

  /** On a first visit only. */
  offer() {
    if (!this.storage.getItem(PLACE)) this.start();
  }

  start() {
    this.#task = `Tour${Date.now() % 100_000}`;
    this.#before = this.page.cards().length;
    this.#user = this.page.user;
    this.page.pressed.clear();
    this.#go(0);
  }

  end() {
    this.storage.setItem(PLACE, "done");
    this.#step = -1;
    const hadFocus = this.node.contains(document.activeElement);
    this.node.hidden = true;
    if (hadFocus) this.page.find("command").focus();
    point(null);
  }

  /** Something changed: the step may be done. */
  look() {
    const step = this.#steps[this.#step];
    if (this.#user !== this.page.user) this.#startOver();
    if (step?.isDone?.()) this.#go(this.#step + 1);
    else if (step) {
      point(step.at?.());
      this.node.querySelector(".problem").textContent = step.problem?.() ?? "";
    }
  }

  /** Another person sees other cards; those that are there already say nothing of the tour. */
  #startOver() {
    this.#user = this.page.user;
    this.#before = this.page.cards().length;
  }

  /** A refusal is a card as well, but has nothing to refresh. */
  #showsRecording() {
    const cards = this.page.cards().slice(this.#before);
    return cards.some((card) => card.querySelector("[data-key='rectask.refresh']") && card.textContent.includes("Room1"));
  }

  get #steps() {
    const { page, stage } = this;
    const command = (room, task) => page.command(`/rectask ${room} ${task}`);
    const row = () => stage.row(ROOM, this.#task);
    const dm = () => page.state.channels.find((one) => one.is_dm && one.member_ids.includes(page.user));
    return [
      {
        title: "Look a recording up",
        words: "Somebody asks what happened to a recording. Send the command below.",
        act: ["Send it", () => command("Room1", "Task1")],
        at: () => page.find("composer"),
        isDone: () => this.#showsRecording(),
        problem: () => page.cards().length > this.#before && !this.#showsRecording() ? REFUSED : "",
      },
      {
        title: "Read why it stopped",
        words: "The first line is the verdict. Below it are the status, the stop reason, what looks wrong and what to do, and the files.",
        at: () => page.newestCard(),
      },
      {
        title: "Open a file",
        words: "Press Open beside a file, or More for all files and the raw answer.",
        at: () => page.newestCard(),
        isDone: () => ["rectask.open", "rectask.files", "rectask.links"].some((id) => page.hasPressed(id)),
      },
      {
        title: "Subscribe",
        words: `The recording ${ROOM} ${this.#task} is still running. Look it up, and press Subscribe on its card.`,
        act: ["Look it up", () => command(ROOM, this.#task)],
        at: () => page.newestCard(),
        isDone: () => stage.state.notices.some((one) => one.room === ROOM && one.task === this.#task),
      },
      {
        title: "Let it end",
        words: `On the stage, choose ${ROOM} ${this.#task} and press End.`,
        act: ["End it", () => stage.arrange("task", { do: "end", room: ROOM, task: this.#task })],
        at: () => stage.choose(ROOM, this.#task),
        isDone: () => row()?.status === 3,
      },
      {
        title: "See the message",
        words: "The bot checks every few seconds, and sends you a direct message. On the stage, “What happens” shows each step.",
        act: ["Go there", () => page.go(dm().id)],
        at: () => page.find("trace"),
        isDone: () => page.channel === dm()?.id && page.newestCard()?.textContent.includes(this.#task),
      },
      { title: "That’s all.", words: "Try everything on the stage. To see the tour again, press Take the tour." },
    ];
  }

  #go(number) {
    this.#step = number;
    const steps = this.#steps;
    const { title, words, act, at } = steps[number];
    const isLast = number === steps.length - 1;
    const button = (label, listener, style = "") =>
      on(element("button", { type: "button", class: `button ${style}` }, label), "click", listener);
    keepingFocus(this.node, () => this.node.replaceChildren(
      element("p", {}, isLast ? null : element("small", {}, `${number + 1} of ${steps.length - 1} `),
        element("strong", {}, title), element("span", {}, ` ${words}`)),
      element("p", { class: "problem", role: "status" }),
      element("div", { class: "feet" },
        act ? button(act[0], act[1], "primary") : null,
        isLast ? button("Finish", () => this.end(), "primary") : button("Next", () => this.#go(number + 1)),
        isLast ? null : button("Skip the tour", () => this.end()))));
    this.node.hidden = false;
    const target = at?.();
    point(target);
    target?.scrollIntoView({ block: "nearest" });
  }
}

function point(target) {
  for (const node of document.querySelectorAll(".pointed")) if (node !== target) node.classList.remove("pointed");
  target?.classList.add("pointed");
}
