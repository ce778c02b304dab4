/** What each person has not read yet, kept as long as the browser's tab is. */

const PLACE = "read";

export class Unread {
  #readUntil;

  constructor(storage) {
    this.storage = storage;
    this.#readUntil = JSON.parse(storage.getItem(PLACE) ?? "{}");
  }

  /** How many messages of others stand in the channel since the person was there. */
  count(messages, { user, channel }) {
    const since = this.#readUntil[`${user}/${channel}`] ?? 0;
    const isNew = (one) => one.channel === channel && Number(one.ts) > since && one.author !== user;
    return messages.filter((one) => isNew(one) && (!one.ephemeral_to || one.ephemeral_to === user)).length;
  }

  read(messages, { user, channel }) {
    const stamps = messages.filter((one) => one.channel === channel).map((one) => Number(one.ts));
    const key = `${user}/${channel}`;
    const until = Math.max(this.#readUntil[key] ?? 0, ...stamps);
    if (until === this.#readUntil[key]) return;
    this.#readUntil[key] = until;
    this.storage.setItem(PLACE, JSON.stringify(this.#readUntil));
  }
}
