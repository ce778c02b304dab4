/** Modals, each in a dialog, and the bot's home tab. */

import { renderBlocks } from "./blocks.js";
import { element, on } from "./dom.js";
import { remember } from "./focus.js";
import { plainText, textObject } from "./mrkdwn.js";

/** This person's view of that type ("modal", "home"), the one on top where there are several, or null. */
export function topView(views, user, type) {
  return views.findLast((view) => view.user === user && view.type === type) ?? null;
}

/** The one modal that shows; `server` closes and submits, `surfaceOf` says how its elements act. */
export class ModalStage {
  #shown = null;
  #goBack = () => {};

  constructor(surfaceOf, server) {
    this.surfaceOf = surfaceOf;
    this.server = server;
  }

  show(record) {
    const json = record && JSON.stringify(record);
    if ((this.#shown?.json ?? null) === json) return;
    const isSame = this.#shown && this.#shown.id === record?.id;
    const [typed, goBack] = isSame ? [this.#typed(), remember(this.#shown.dialog)] : [new Map(), () => {}];
    if (!this.#shown) this.#goBack = remember(document.body);
    this.#shown?.dialog.remove();
    this.#shown = null;
    if (!record) return void this.#goBack();
    this.#open(record, json, typed);
    goBack(this.#shown.dialog);
  }

  tell(problem) {
    const line = this.#shown?.dialog.querySelector(".problem");
    if (line) line.textContent = problem ?? "";
    return Boolean(line);
  }

  #open(record, json, typed) {
    const surface = { ...this.surfaceOf(record), fields: [] };
    const dialog = modalDialog(record.view, surface);
    this.#shown = { id: record.id, json, dialog, fields: surface.fields };
    for (const field of surface.fields) if (typed.has(field.key)) field.control.value = typed.get(field.key);
    on(dialog, "cancel", (event) => this.#cancel(event, record));
    for (const closer of dialog.querySelectorAll("[data-close]")) on(closer, "click", () => this.server.close(record));
    on(dialog.querySelector("form"), "submit", (event) => this.#submit(event, record));
    document.body.append(dialog);
    dialog.showModal();
  }

  #typed() {
    return new Map((this.#shown?.fields ?? []).map((field) => [field.key, field.control.value]));
  }

  #cancel(event, record) {
    if (event.target !== event.currentTarget) return;
    event.preventDefault();
    this.server.close(record);
  }

  async #submit(event, record) {
    event.preventDefault();
    const { dialog, fields } = this.#shown;
    const values = {};
    for (const field of fields) (values[field.blockId] ??= {})[field.actionId] = field.read();
    const answer = await this.server.submit(record, values);
    for (const place of dialog.querySelectorAll("[data-error-of]")) {
      place.textContent = answer.errors?.[place.dataset.errorOf] ?? "";
    }
  }
}

function modalDialog(view, surface) {
  const title = element("h2", { id: "modal-title" }, plainText(view.title?.text ?? "Untitled"));
  const cross = element("button", { type: "button", class: "cross", "data-close": true, "aria-label": "Close" }, "×");
  const content = element("div", { class: "blocks", tabindex: "0", autofocus: true },
    renderBlocks(view.blocks, surface));
  const problem = element("p", { class: "problem", role: "alert" });
  const close = element("button", { type: "button", class: "button", "data-close": true },
    view.close ? textObject(view.close) : "Close");
  const submit = view.submit && element("button", { type: "submit", class: "button primary" }, textObject(view.submit));
  const form = element("form", {}, element("header", {}, title, cross), content, problem,
    element("footer", { class: "feet" }, close, submit));
  return element("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
}

export function homeNode(record, surface) {
  if (!record) return element("p", { class: "empty" }, "The bot has not published a home tab for this person.");
  return element("div", { class: "home blocks" }, renderBlocks(record.view.blocks, surface));
}
