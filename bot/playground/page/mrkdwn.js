/**
 * Slack's mrkdwn as nodes. `&`, `<` and `>` arrive escaped: what stands in `<…>` is an entity, inside code spans too,
 * so that an un-escaped mention is seen. `links` and `mentions` say whether plain words become live.
 */

import { formatDate } from "./dates.js";
import { element, link } from "./dom.js";
import { emoji } from "./emoji.js";

const ESCAPES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const EMPHASIS = { "*": "strong", _: "em", "~": "s" };
const CROWDS = new Set(["here", "channel", "everyone"]);
const NOTHING_SPECIAL = /[^<`*_~:&@hw]+/iy;
const CODE_RULES = [entityRule, escapeRule];
const RULES = [entityRule, codeRule, emphasisRule, emojiRule, escapeRule, addressRule, crowdRule];

/** A text object of Block Kit: plain_text, or mrkdwn with its `verbatim`. */
export function textObject(object, names) {
  if (object?.type !== "mrkdwn") return plainText(object?.text ?? "", object?.emoji !== false);
  const live = object.verbatim !== true;
  return mrkdwn(object.text ?? "", { names, links: live, mentions: live });
}

export function plainText(text, withEmoji = true) {
  const words = unescape(String(text));
  if (!withEmoji) return document.createTextNode(words);
  return document.createTextNode(words.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji(name) ?? whole));
}

export function mrkdwn(text, options) {
  const out = document.createDocumentFragment();
  const pieces = String(text).split(/```\n?((?:(?!```)[\s\S])+?)\n?```\n?/);
  pieces.forEach((piece, index) => {
    if (index % 2) out.append(preformatted(piece, options));
    else if (piece) quotesAndLines(out, pieces[index + 1] === undefined ? piece : piece.replace(/\n$/, ""), options);
  });
  return out;
}

export function mention(words, title) {
  return element("span", { class: "mention", title }, words);
}

export function liveMention(words) {
  return element("span", { class: "mention live", title: "Live: it notifies people" }, words);
}

function unescape(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (escape) => ESCAPES[escape]);
}

function preformatted(text, options) {
  const block = element("pre");
  inline(block, text, { ...options, rules: CODE_RULES });
  return block;
}

function quotesAndLines(out, text, options) {
  let lines = [];
  let quoted = false;
  const close = () => {
    if (!lines.length) return;
    const target = quoted ? element("blockquote") : out;
    inline(target, lines.join("\n"), { ...options, rules: RULES });
    if (quoted) out.append(target);
    lines = [];
  };
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (Boolean(quote) !== quoted) close();
    quoted = Boolean(quote);
    lines.push(quote ? quote[1] : line);
  }
  close();
}

function inline(parent, text, options) {
  let at = 0;
  while (at < text.length) {
    const plain = sticky(NOTHING_SPECIAL, text, at);
    const found = plain ? null : firstMatch(text, at, options);
    const end = found?.end ?? at + (plain?.[0].length ?? 1);
    parent.append(found ? found.node : text.slice(at, end));
    at = end;
  }
  parent.normalize();
}

function firstMatch(text, at, options) {
  for (const rule of options.rules) {
    const found = rule(text, at, options);
    if (found) return found;
  }
  return null;
}

function sticky(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function matched(match, node) {
  return { node, end: match.index + match[0].length };
}

function entityRule(text, at, { names }) {
  const match = sticky(/<([^<>\n]+)>/y, text, at);
  const node = match && entity(match[1], names);
  return node ? matched(match, node) : null;
}

function entity(inside, names) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? null : unescape(inside.slice(bar + 1));
  if (/^@[UWB]\w*$/.test(target)) return mention(`@${names.person(target.slice(1))}`, target.slice(1));
  if (/^#[CGD]\w*$/.test(target)) return mention(`#${names.channel(target.slice(1))}`, target.slice(1));
  if (target.startsWith("!")) return special(target.slice(1), label);
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return link(unescape(target), label || unescape(target));
  return null;
}

function special(target, label) {
  const [kind, ...rest] = target.split("^");
  if (CROWDS.has(kind)) return liveMention(`@${kind}`);
  if (kind === "subteam") return liveMention(label ?? `@${rest[0]}`);
  if (kind === "date") return date(rest, label);
  return label === null ? null : document.createTextNode(label);
}

function date([seconds, format, address], fallback) {
  const words = formatDate(seconds, unescape(format ?? "")) ?? fallback ?? "";
  if (address) return link(unescape(address), words);
  return element("time", { title: fallback }, words);
}

function codeRule(text, at, options) {
  const match = sticky(/`([^`\n]+)`/y, text, at);
  if (!match) return null;
  const code = element("code");
  inline(code, match[1], { ...options, rules: CODE_RULES });
  return matched(match, code);
}

function emphasisRule(text, at, options) {
  const sign = text[at];
  const [before, after] = [text[at - 1] ?? " ", text[at + 1] ?? " "];
  if (!Object.hasOwn(EMPHASIS, sign) || /\w/.test(before) || before === sign || after === sign) return null;
  const end = closing(text, at);
  if (end < 0) return null;
  const inner = element(EMPHASIS[sign]);
  inline(inner, text.slice(at + 1, end), options);
  return { node: inner, end: end + 1 };
}

/** Where the emphasis that opens at `at` closes, or -1; signs inside code spans and entities do not count. */
function closing(text, at) {
  if (/\s/.test(text[at + 1] ?? " ")) return -1;
  const step = /<[^<>\n]+>|`[^`\n]+`|[\s\S]/y;
  for (let index = at + 1; index < text.length && text[index] !== "\n";) {
    if (text[index] === text[at] && index > at + 1 && closesHere(text, index)) return index;
    index += sticky(step, text, index)[0].length;
  }
  return -1;
}

function closesHere(text, index) {
  return !/\s/.test(text[index - 1]) && !/\w/.test(text[index + 1] ?? " ") && text[index + 1] !== text[index];
}

function emojiRule(text, at) {
  const match = sticky(/:([a-z0-9_+-]+):/y, text, at);
  const sign = match && emoji(match[1]);
  return sign ? matched(match, document.createTextNode(sign)) : null;
}

function escapeRule(text, at) {
  const match = sticky(/&(?:amp|lt|gt);/y, text, at);
  return match ? matched(match, document.createTextNode(ESCAPES[match[0]])) : null;
}

function addressRule(text, at, { links }) {
  if (!links || /\w/.test(text[at - 1] ?? " ")) return null;
  const match = sticky(/(?:https?:\/\/|www\.)(?:(?!&[lg]t;)[^\s<>`|])+/iy, text, at);
  if (!match) return null;
  const shown = match[0].replace(/[.,;:!?'")\]*_~]+$/, "");
  const address = unescape(shown);
  return { node: link(/^www/i.test(address) ? `https://${address}` : address, address), end: at + shown.length };
}

function crowdRule(text, at, { mentions }) {
  if (!mentions || /\w/.test(text[at - 1] ?? " ")) return null;
  const match = sticky(/@(here|channel|everyone)\b/y, text, at);
  return match ? matched(match, liveMention(match[0])) : null;
}
