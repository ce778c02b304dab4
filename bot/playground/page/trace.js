/** What happens at each layer, as it happens. */

import { element, on } from "./dom.js";

const KEPT = 300;
const NEAR_THE_END = 60;

export class Trace {
  #last = { words: "", node: null, times: 0 };

  constructor(list, { filter, clear, justDid }) {
    Object.assign(this, { list, justDid });
    on(filter, "change", () => { list.dataset.only = filter.value; });
    on(clear, "click", () => list.replaceChildren());
  }

  /** Somebody does something: what came before goes, where only what they just did is wanted. */
  begin() {
    if (this.justDid.checked) this.list.replaceChildren();
  }

  add(entries) {
    const { list } = this;
    const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
    for (const entry of entries.slice(-KEPT)) this.#append(entry);
    while (list.children.length > KEPT) {
      if (list.firstChild.contains(document.activeElement)) list.focus();
      list.firstChild.remove();
    }
    if (wasAtEnd) list.scrollTop = list.scrollHeight;
  }

  /** What happens several times in a row, as the bot asks its memory again, is one line. */
  #append(entry) {
    const words = hasDetail(entry.detail) ? null : wordsOf(entry);
    const { words: before, node, times } = this.#last;
    if (words === null || words !== before || !node.isConnected) {
      this.#last = { words, node: entryNode(entry), times: 1 };
      return this.list.append(this.#last.node);
    }
    this.#last.times = times + 1;
    if (times === 1) node.firstChild.append(element("span", { class: "times" }));
    node.querySelector(".times").textContent = ` (${times + 1} times)`;
  }
}

function wordsOf({ layer, what, summary }) {
  return JSON.stringify([layer, what, summary]);
}

function entryNode(entry) {
  const line = [
    element("span", { class: "layer" }, entry.layer), " ", element("strong", {}, entry.what), " ", entry.summary,
  ];
  const node = element("li", { "data-layer": entry.layer });
  if (!hasDetail(entry.detail)) node.append(element("p", {}, ...line));
  else node.append(unfolding(line, entry.detail));
  return node;
}

function hasDetail(detail) {
  return detail !== null && Object.values(detail).some((part) => part !== null);
}

/** The detail is made only when somebody looks at it. */
function unfolding(line, detail) {
  const node = element("details", {}, element("summary", {}, ...line));
  return on(node, "toggle", () => {
    if (node.open && node.children.length === 1) node.append(...Object.entries(detail).map(part));
  });
}

function part([name, content]) {
  const words = typeof content === "string" ? indented(content) : JSON.stringify(content, null, 2);
  return element("figure", {}, element("figcaption", {}, name), element("pre", { tabindex: "0" }, String(words)));
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
