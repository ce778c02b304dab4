/** Who you are and where you can be. */

import { element, on } from "./dom.js";
import { keepingFocus } from "./focus.js";

export const HOME = "home";

export function channelsOf(channels, user) {
  return channels.filter((channel) => !channel.member_ids?.length || channel.member_ids.includes(user));
}

export function channelTitle(channel, names, user) {
  if (!channel) return "";
  if (!channel.is_dm) return channel.name;
  const other = channel.member_ids?.find((id) => id !== user);
  return other ? names.person(other) : names.app();
}

export function showPeople(select, people, user) {
  const options = people.map((person) => element("option", { value: person.id }, personLabel(person)));
  const json = JSON.stringify(people);
  if (select.dataset.people !== json) select.replaceChildren(...options);
  select.dataset.people = json;
  select.value = user;
}

function personLabel(person) {
  const name = person.real_name || person.name || person.id;
  if (person.deleted) return `${name} (deactivated)`;
  return name + (person.is_stranger ? " (other organisation)" : person.is_restricted ? " (guest)" : "");
}

/** `unread` tells how many new messages a channel has. */
export function showChannels(nav, channels, { names, user, channel, unread }, choose) {
  const entry = (id, sign, label, ...marks) => {
    const button = element("button", { type: "button", "data-key": id, "aria-current": id === channel ? "page" : undefined },
      element("span", { class: "sign", "aria-hidden": "true" }, sign), element("span", {}, label), ...marks);
    return element("li", {}, on(button, "click", () => choose(id)));
  };
  const rows = (isDm) => channels.filter((one) => Boolean(one.is_dm) === isDm).map((one) =>
    entry(one.id, isDm ? "•" : "#", channelTitle(one, names, user), one.is_ext_shared ? sharedMark() : null,
      unreadMark(unread(one.id))));
  const nodes = [
    element("h2", {}, "Channels"), element("ul", {}, ...rows(false)),
    element("h2", {}, "Direct messages"), element("ul", {}, ...rows(true)),
    element("h2", {}, "The bot"), element("ul", {}, entry(HOME, "⌂", "Home")),
  ];
  keepingFocus(nav, () => nav.replaceChildren(...nodes));
}

function sharedMark() {
  return element("span", { class: "badge" }, "shared");
}

/** Null where there is nothing new. */
export function unreadMark(count) {
  return count ? element("span", { class: "unread" }, String(count), element("span", { class: "unseen" }, " new")) : null;
}
