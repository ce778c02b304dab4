/** Blocks as nodes; a block that is not known is shown as JSON, never dropped. */

import { asJson, element, on } from "./dom.js";
import { image, interactive } from "./elements.js";
import { plainText, textObject } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

const BLOCKS = {
  section,
  header: (block) => element("h3", { class: "block header" }, plainText(block.text?.text ?? "")),
  context,
  divider: () => element("hr", { class: "block" }),
  actions,
  image: pictureBlock,
  rich_text: (block, surface) => richText(block, surface.names),
  input,
  table,
};

/** See elements.js for what a surface is. */
export function renderBlocks(blocks, surface) {
  const out = document.createDocumentFragment();
  for (const block of blocks ?? []) out.append(renderBlock(block, surface));
  return out;
}

function renderBlock(block, surface) {
  const known = Object.hasOwn(BLOCKS, block?.type ?? "");
  return known ? BLOCKS[block.type](block, surface) : asJson(block, `Unknown block: ${block?.type}`);
}

function section(block, surface) {
  const body = element("div", { class: "body" });
  if (block.text) body.append(element("div", { class: "text" }, textObject(block.text, surface.names)));
  if (block.fields) body.append(fields(block.fields, surface.names));
  const accessory = block.accessory && element("div", { class: "accessory" },
    interactive(block.accessory, block.block_id, surface));
  return element("div", { class: "block section" }, body, accessory);
}

function fields(texts, names) {
  return element("div", { class: "fields" },
    ...texts.map((text) => element("div", { class: "text" }, textObject(text, names))));
}

function context(block, surface) {
  const out = element("div", { class: "block context" });
  for (const item of block.elements ?? []) {
    const node = item.type === "image" ? image(item, "icon") : textObject(item, surface.names);
    out.append(element("span", { class: "text" }, node));
  }
  return out;
}

function actions(block, surface) {
  const controls = (block.elements ?? []).map((described) => interactive(described, block.block_id, surface));
  return element("div", { class: "block actions", role: "group", "aria-label": "Actions" }, ...controls);
}

function pictureBlock(block) {
  const caption = block.title && element("figcaption", {}, plainText(block.title.text));
  return element("figure", { class: "block picture" }, caption, image(block, "wide"));
}

function input(block, surface) {
  const control = interactive(block.element, block.block_id, { ...surface, inInput: true });
  const label = element("span", { class: "label" }, plainText(block.label?.text ?? ""),
    block.optional ? element("small", {}, " (optional)") : null);
  const hint = block.hint && element("small", { class: "hint" }, plainText(block.hint.text));
  const error = element("small", { class: "error", "data-error-of": block.block_id, role: "alert" });
  if (!block.optional && "required" in control) control.required = true;
  return element("label", { class: "block field" }, label, control, hint, error);
}

function table(block, surface) {
  const rows = (block.rows ?? []).map((row, index) =>
    element("tr", {}, ...row.map((cell, column) => tableCell(cell, index, block.column_settings?.[column], surface))));
  const head = element("thead", {}, ...rows.slice(0, 1));
  const body = element("tbody", {}, ...rows.slice(1));
  return element("div", { class: "block table", tabindex: "0", role: "region", "aria-label": "Table" },
    element("table", {}, head, body));
}

function tableCell(cell, row, settings, surface) {
  const align = ["center", "right"].includes(settings?.align) ? settings.align : "left";
  const made = element(row === 0 ? "th" : "td", { class: `${align} ${settings?.is_wrapped ? "wrapped" : ""}` });
  if (cell.type === "rich_text") made.append(richText(cell, surface.names));
  else if (cell.text !== undefined) made.append(plainText(cell.text));
  else made.append(asJson(cell, `Unknown cell: ${cell.type}`));
  if (row === 0) made.scope = "col";
  return made;
}

/** Closes the menus of `root` that a press beside them leaves open. */
export function closeMenusOutside(root) {
  on(root, "pointerdown", (event) => {
    for (const menu of root.querySelectorAll("details.overflow[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}
