/** The messages of one conversation as one person sees them. */

import { renderBlocks } from "./blocks.js";
import { clockTime } from "./dates.js";
import { element } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { mrkdwn } from "./mrkdwn.js";

/** In the order of their time stamps, replies below their parent; ephemeral ones of other people are left out. */
export function visibleMessages(messages, { user, channel }) {
  const visible = messages
    .filter((message) => message.channel === channel && (!message.ephemeral_to || message.ephemeral_to === user))
    .sort((one, other) => Number(one.ts) - Number(other.ts));
  const parents = new Set(visible.filter((message) => !message.thread_ts).map((message) => message.ts));
  const isReply = (message) => parents.has(message.thread_ts);
  const repliesTo = ({ ts }) => visible.filter((message) => message.thread_ts === ts).map(asReply);
  return visible.filter((message) => !isReply(message)).flatMap((message) => [message, ...repliesTo(message)]);
}

function asReply(message, index) {
  return { ...message, reply: index + 1 };
}

/** Keeps what did not change, so that focus, an open menu and the place scrolled to stay. */
export class MessageList {
  #shown = new Map();

  constructor(surfaceOf, announce) {
    this.node = element("ol", { class: "messages" });
    this.surfaceOf = surfaceOf;
    this.announce = announce;
  }

  show(messages) {
    keepingFocus(this.node, () => this.#draw(messages));
  }

  #draw(messages) {
    const before = this.#shown;
    this.#shown = new Map();
    for (const message of messages) this.#keepOrRender(message, before);
    for (const [key, { node }] of before) if (!this.#shown.has(key)) node.remove();
    [...this.#shown.values()].forEach(({ node }, index) => {
      const there = this.node.children[index] ?? null;
      if (there !== node) this.node.insertBefore(node, there);
    });
  }

  clear() {
    this.#shown.clear();
    this.node.replaceChildren();
  }

  #keepOrRender(message, before) {
    const key = `${message.ephemeral_to ?? ""}/${message.ts}`;
    const json = JSON.stringify(message);
    const old = before.get(key);
    if (old?.json === json) return void this.#shown.set(key, old);
    const node = messageNode(message, this.surfaceOf(message));
    this.#shown.set(key, { json, node });
    node.dataset.key = key;
    old?.node.replaceWith(node);
    this.announce(message);
  }
}

function messageNode(message, surface) {
  const name = surface.names.person(message.author);
  const content = element("div", { class: "content" }, byline(message, name), messageBody(message, surface));
  if (message.blocks?.length && message.text) content.append(notification(message.text, surface.names));
  const kinds = ["message", message.ephemeral_to && "ephemeral", message.reply && "reply"].filter(Boolean);
  return element("li", { class: kinds.join(" ") }, avatar(name, message.is_bot), content);
}

function messageBody(message, surface) {
  if (message.blocks?.length) return element("div", { class: "blocks" }, renderBlocks(message.blocks, surface));
  return element("div", { class: "text" }, messageText(message.text ?? "", surface.names));
}

/** The top-level text: addresses become links, but a bare @here stays a word. */
export function messageText(text, names) {
  return mrkdwn(text, { names, links: true, mentions: false });
}

function byline(message, name) {
  const when = new Date(Number(message.ts) * 1000);
  return element("p", { class: "byline" },
    message.ephemeral_to ? element("span", { class: "only-you" }, "Only visible to you") : null,
    message.reply ? element("span", { class: "thread" }, threadLabel(message)) : null,
    element("strong", {}, name),
    message.is_bot ? element("span", { class: "badge" }, "APP") : null,
    Number.isNaN(when.getTime()) ? null : element("time", { datetime: when.toISOString() }, clockTime(when)),
    message.edited ? element("span", { class: "edited" }, "(edited)") : null);
}

function threadLabel(message) {
  const place = `Reply ${message.reply} in the thread`;
  return message.is_broadcast ? `${place}, also sent to the channel` : place;
}

function notification(text, names) {
  return element("details", { class: "notification", "data-key": "notification" },
    element("summary", {}, "As a notification and for screen readers"),
    element("div", { class: "text" }, messageText(text, names)));
}

function avatar(name, isBot) {
  const kind = isBot ? "avatar bot" : "avatar";
  return element("span", { class: kind, "aria-hidden": "true" }, isBot ? "" : [...name][0]?.toUpperCase());
}
