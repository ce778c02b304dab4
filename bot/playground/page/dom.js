/** Making elements: text from outside only ever becomes a text node or an attribute that cannot run. */

const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function on(target, type, listener) {
  target.addEventListener(type, listener);
  return target;
}

/** The address if following it can only navigate, else null (`javascript:` and friends, relative addresses). */
export function safeAddress(address) {
  try {
    const parsed = new URL(String(address));
    return SAFE_SCHEMES.has(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

export function link(address, label) {
  const href = safeAddress(address);
  if (href === null) return element("span", { class: "dead-link", title: String(address) }, label);
  return element("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, label);
}

export function asJson(thing, note) {
  const text = JSON.stringify(thing, null, 2);
  return element("figure", { class: "as-json" }, element("figcaption", {}, note), element("pre", {}, text));
}
