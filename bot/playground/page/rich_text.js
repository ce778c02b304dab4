/** The rich_text block: sections, lists, quotes and preformatted text. */

import { formatDate } from "./dates.js";
import { asJson, element, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { liveMention, mention } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

const PARTS = {
  rich_text_section: (part, names) => filled("div", part, names),
  rich_text_preformatted: (part, names) => filled("pre", part, names),
  rich_text_quote: (part, names) => filled("blockquote", part, names),
  rich_text_list: list,
};

const PIECES = {
  text: (piece) => piece.text ?? "",
  link: (piece) => link(piece.url, piece.text || piece.url),
  user: (piece, names) => mention(`@${names.person(piece.user_id)}`, piece.user_id),
  channel: (piece, names) => mention(`#${names.channel(piece.channel_id)}`, piece.channel_id),
  usergroup: (piece) => liveMention(`@${piece.usergroup_id}`),
  broadcast: (piece) => liveMention(`@${piece.range}`),
  emoji: (piece) => emoji(piece.name) ?? `:${piece.name}:`,
  date: (piece) => formatDate(piece.timestamp, piece.format ?? "") ?? piece.fallback ?? "",
};

export function richText(block, names) {
  const out = element("div", { class: "rich" });
  for (const part of block.elements ?? []) {
    out.append(PARTS[part.type]?.(part, names) ?? asJson(part, `Unknown part: ${part.type}`));
  }
  return out;
}

function filled(name, part, names) {
  const out = element(name);
  for (const piece of part.elements ?? []) out.append(styled(piece, names));
  return out;
}

function styled(piece, names) {
  let node = PIECES[piece.type]?.(piece, names) ?? asJson(piece, `Unknown element: ${piece.type}`);
  for (const [style, name] of Object.entries(STYLES)) {
    if (piece.style?.[style]) node = element(name, {}, node);
  }
  return node;
}

function list(part, names) {
  const name = part.style === "ordered" ? "ol" : "ul";
  const level = Math.min(part.indent ?? 0, 2);
  const start = name === "ol" && part.offset ? part.offset + 1 : undefined;
  const items = (part.elements ?? []).map((item) => filled("li", item, names));
  return element(name, { class: `level-${level}`, start }, ...items);
}
