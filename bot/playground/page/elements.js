/** What can be pressed or filled in: buttons, menus, selects, text inputs. */

import { confirmed } from "./confirm.js";
import { asJson, element, on, safeAddress } from "./dom.js";
import { textObject } from "./mrkdwn.js";

const ELEMENTS = { button, overflow, static_select: staticSelect, plain_text_input: textInput, image: smallImage };

/**
 * `surface` is where the element stands: {names, act(press), fields}. `act` sends a press and resolves when it is
 * answered; `fields` (modals only) collects what is submitted.
 */
export function interactive(described, blockId, surface) {
  const make = ELEMENTS[described?.type];
  if (!make) return asJson(described, `Unknown element: ${described?.type}`);
  return make(described, blockId, surface);
}

export function image(described, className) {
  if (!isOurs(described.image_url ?? "//")) return missingImage(described, className);
  const picture = element("img", { class: className, src: described.image_url ?? "", alt: described.alt_text ?? "" });
  return on(picture, "error", () => picture.replaceWith(missingImage(described, className)));
}

function isOurs(address) {
  return URL.canParse(address, location.href) && new URL(address, location.href).origin === location.origin;
}

function missingImage(described, className) {
  const title = `Not loaded, this page fetches nothing from outside: ${described.image_url ?? "a Slack file"}`;
  return element("span", { class: `${className} missing`, role: "img", title }, described.alt_text || "image");
}

function smallImage(described) {
  return image(described, "thumbnail");
}

/** Sends the press once the question, if there is one, is answered with yes; tells whether it went out. */
async function press(control, described, blockId, surface, extra = {}) {
  if (control.getAttribute("aria-busy") === "true") return false;
  if (!(await confirmed(described.confirm, surface.names))) return false;
  control.setAttribute("aria-busy", "true");
  try {
    await surface.act({ block_id: blockId, action_id: described.action_id, ...extra });
  } finally {
    control.removeAttribute("aria-busy");
  }
  return true;
}

function button(described, blockId, surface) {
  const href = described.url ? safeAddress(described.url) : null;
  const attributes = { class: `button ${described.style ?? ""}`, "data-key": described.action_id, "aria-label": described.accessibility_label };
  const send = (control) => press(control, described, blockId, surface, withValue(described));
  const label = textObject(described.text, surface.names);
  if (href === null) {
    const plain = element("button", { type: "button", ...attributes }, label);
    return on(plain, "click", () => send(plain));
  }
  const anchor = element("a", { href, target: "_blank", rel: "noopener", ...attributes }, label);
  return addressButton(anchor, described, send);
}

function withValue(described) {
  return described.value === undefined ? {} : { value: described.value };
}

function addressButton(anchor, described, send) {
  return on(anchor, "click", async (event) => {
    if (!described.confirm) return void send(anchor);
    event.preventDefault();
    if (await send(anchor)) window.open(anchor.href, "_blank", "noopener");
  });
}

function overflow(described, blockId, surface) {
  const summary = element("summary", { class: "button", "aria-label": "More actions" }, "⋯");
  const menu = element("div", { class: "menu" });
  const whole = element("details", { class: "overflow", "data-key": described.action_id }, summary, menu);
  for (const option of described.options ?? []) menu.append(menuItem(option, whole, described, blockId, surface));
  on(whole, "toggle", () => menu.classList.toggle("flipped", menu.getBoundingClientRect().right > innerWidth - 8));
  on(whole, "keydown", (event) => event.key === "Escape" && fold(event, whole, summary));
  on(whole, "focusout", (event) => whole.contains(event.relatedTarget) || (whole.open = false));
  return whole;
}

function fold(event, whole, summary) {
  if (!whole.open) return;
  event.preventDefault();
  event.stopPropagation();
  whole.open = false;
  summary.focus();
}

function menuItem(option, whole, described, blockId, surface) {
  const about = option.description && element("small", {}, textObject(option.description, surface.names));
  const item = element("button", { type: "button" }, textObject(option.text, surface.names), about);
  return on(item, "click", async () => {
    whole.querySelector("summary").focus();  // before it goes: what is hidden cannot be gone back to
    whole.open = false;
    const sent = await press(whole, described, blockId, surface, { selected_option: option });
    const href = sent && option.url ? safeAddress(option.url) : null;
    if (href) window.open(href, "_blank", "noopener");
  });
}

function staticSelect(described, blockId, surface) {
  const options = described.options ?? [];
  const select = element("select", { class: "select", "data-key": described.action_id, "aria-label": described.placeholder?.text || "Choose" });
  select.append(element("option", { value: "" }, described.placeholder?.text ?? "Choose"));
  options.forEach((option, index) => {
    select.append(element("option", { value: index }, textObject({ ...option.text, type: "plain_text" })));
  });
  const initial = options.findIndex((option) => option.value === described.initial_option?.value);
  select.value = initial < 0 ? "" : String(initial);
  const chosen = () => (select.value === "" ? null : options[Number(select.value)]);
  if (surface.inInput) addField(surface, blockId, described, select, () => ({ selected_option: chosen() }));
  else sendChoices(select, chosen, described, blockId, surface);
  return select;
}

/** Arrows open a closed select, as they do in some browsers: else each press of one would choose, and send that. */
export function openSelectsByArrows(root) {
  on(root, "keydown", (event) => {
    if (!event.target.matches?.("select") || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    event.target.showPicker();
  });
}

function sendChoices(select, chosen, described, blockId, surface) {
  let before = select.value;
  on(select, "change", async () => {
    if (chosen() === null) return void (select.value = before);
    const sent = await press(select, described, blockId, surface, { selected_option: chosen() });
    if (sent) before = select.value;
    else select.value = before;
  });
}

function textInput(described, blockId, surface) {
  const input = element(described.multiline ? "textarea" : "input", {
    class: "input", placeholder: described.placeholder?.text, maxlength: described.max_length,
    rows: described.multiline ? 4 : undefined,
  });
  input.value = described.initial_value ?? "";
  addField(surface, blockId, described, input, () => ({ value: input.value === "" ? null : input.value }));
  return input;
}

function addField(surface, blockId, described, control, read) {
  const { action_id: actionId, type } = described;
  const key = `${blockId}/${actionId}`;
  surface.fields?.push({ key, blockId, actionId, control, read: () => ({ type, ...read() }) });
}
