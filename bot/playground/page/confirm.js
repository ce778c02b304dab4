/** The question before an action, in a dialog of its own. */

import { element, on } from "./dom.js";
import { remember } from "./focus.js";
import { textObject } from "./mrkdwn.js";

/** Resolves to true when there is nothing to ask or the person says yes. */
export function confirmed(question, names) {
  if (!question) return Promise.resolve(true);
  return new Promise((resolve) => {
    const dialog = questionDialog(question, names);
    const goBack = remember(document.body);
    on(dialog, "close", () => {
      dialog.remove();
      goBack();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function questionDialog(question, names) {
  const title = element("h2", { id: "confirm-title" }, textObject(question.title, names));
  const yes = answer(question.confirm, "Yes", question.style === "danger" ? "danger" : "primary", names);
  const no = answer(question.deny, "Cancel", "", names);
  const words = element("div", { class: "text" }, textObject(question.text, names));
  const feet = element("footer", { class: "feet" }, no, yes);
  const dialog = element("dialog", { class: "confirm", "aria-labelledby": "confirm-title" }, title, words, feet);
  on(yes, "click", () => dialog.close("yes"));
  on(no, "click", () => dialog.close("no"));
  return dialog;
}

function answer(text, otherwise, style, names) {
  return element("button", { type: "button", class: `button ${style}` }, text ? textObject(text, names) : otherwise);
}
