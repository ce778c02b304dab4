/** The playground's page: one state from the server, one person and conversation chosen, drawn anew at each change. */

import { closeMenusOutside } from "./blocks.js";
import { MessageList, messageText, visibleMessages } from "./chat.js";
import { element, on } from "./dom.js";
import { openSelectsByArrows } from "./elements.js";
import { keepingFocus } from "./focus.js";
import { fetchJson, follow, send } from "./server.js";
import { channelTitle, channelsOf, HOME, showChannels, showPeople, unreadMark } from "./sidebar.js";
import { openStage } from "./staging.js";
import { Unread } from "./unread.js";
import { homeNode, ModalStage, topView } from "./views.js";

const NEAR_THE_END = 80;
const CONNECTS_WITHIN = 5_000;
// For so long after somebody's own command the page goes to what comes, unless they scroll by themselves.
const ANSWER_EXPECTED_FOR = 30_000;
const EMPTY = { app: { name: "" }, people: [], channels: [], messages: [], views: [] };
const NOTE_AUTHOR = "Playground";

class Page {
  state = EMPTY;
  notes = [];
  isDrawn = false;
  homeDrawn = null;
  pressed = new Set();
  stage = null;
  afterDrawing = () => {};
  beforeActing = () => {};
  answerExpectedUntil = 0;

  constructor(wanted) {
    this.user = wanted.get("user") ?? "";
    this.channel = wanted.get("channel") ?? "";
    this.find = (id) => document.getElementById(id);
    this.read = new Unread(sessionStorage);
    this.unread = (channel) => this.read.count(this.state.messages, { user: this.user, channel });
    this.list = new MessageList((message) => this.messageSurface(message), (message) => this.announce(message));
    this.modals = new ModalStage((record) => this.viewSurface(record), {
      close: (record) => this.tellModal("/-/close_view", record),
      submit: (record, values) => this.tellModal("/-/submit_view", record, { values }),
    });
    this.names = { person: (id) => this.personName(id), channel: (id) => this.channelName(id),
      app: () => this.state.app.name };
  }

  personName(id) {
    const person = this.state.people.find((one) => one.id === id);
    return person?.real_name || person?.name || (this.isBot(id) ? this.state.app.name : id);
  }

  /** The bot is not among the people: it writes as a bot, or is who is left in a direct message. */
  isBot(id) {
    const { channels, messages } = this.state;
    return messages.some((message) => message.is_bot && message.author === id)
      || channels.some((channel) => channel.is_dm && channel.member_ids?.includes(id));
  }

  channelName(id) {
    return this.state.channels.find((one) => one.id === id)?.name ?? id;
  }

  update(state) {
    const isFirst = this.state === EMPTY;
    this.state = { ...EMPTY, ...state };
    this.find("app-name").textContent = this.state.app.name;
    this.choose({ user: this.user, channel: this.channel, isNew: isFirst });
  }

  /** Falls back to what there is where the wished person or conversation does not exist. */
  choose({ user = this.user, channel = this.channel, isNew = true }) {
    const { people, channels } = this.state;
    this.user = people.some((one) => one.id === user) ? user : people[0]?.id ?? "";
    const own = channelsOf(channels, this.user);
    this.channel = channel === HOME || own.some((one) => one.id === channel) ? channel : own[0]?.id ?? HOME;
    if (isNew) this.arrive();
    this.draw();
  }

  arrive() {
    const address = new URL(location.href);
    address.searchParams.set("user", this.user);
    address.searchParams.set("channel", this.channel);
    history.replaceState(null, "", address);
    this.list.clear();
    this.isDrawn = false;
    this.homeDrawn = null;
    if (this.channel === HOME) this.openHome();
    else if (this.state.channels.find((one) => one.id === this.channel)?.is_dm) this.openMessages();
  }

  async openHome() {
    const user = this.user;
    const answer = await send("/-/open_home", { user });
    if (answer.error && user === this.user) this.find("about").textContent = `Not opened: ${answer.error}`;
  }

  /** The bot's other tab: it is told, and nothing depends on its answer. */
  openMessages() {
    send("/-/open_home", { user: this.user, tab: "messages" });
  }

  draw() {
    const { people, channels, messages, views } = this.state;
    if (!document.hidden) this.read.read(messages, this);
    const own = channelsOf(channels, this.user);
    showPeople(this.find("person"), people, this.user);
    showChannels(this.find("channels"), own, this, (channel) => this.go(channel));
    this.showNews(own.reduce((sum, channel) => sum + this.unread(channel.id), 0));
    this.find("composer").hidden = this.channel === HOME;
    if (this.channel === HOME) this.drawHome();
    else this.drawConversation();
    this.modals.show(topView(views, this.user, "modal"));
    this.isDrawn = true;
    this.afterDrawing();
  }

  go(channel) {
    this.choose({ channel });
    document.body.classList.remove("unfolded");
    this.find("fold").setAttribute("aria-expanded", "false");
    if (this.find("fold").checkVisibility()) this.find("fold").focus();
  }

  drawHome() {
    const record = topView(this.state.views, this.user, "home");
    const json = JSON.stringify(record);
    if (this.homeDrawn === json) return;
    this.homeDrawn = json;
    this.title("Home", "What the bot shows this person alone");
    const [content, home] = [this.find("content"), homeNode(record, record && this.viewSurface(record))];
    keepingFocus(content, () => content.replaceChildren(home));
  }

  drawConversation() {
    const channel = this.state.channels.find((one) => one.id === this.channel);
    const name = channelTitle(channel, this.names, this.user);
    this.title(channel?.is_dm ? name : `#${name}`, aboutChannel(channel));
    const content = this.find("content");
    const wasAtEnd = content.scrollHeight - content.scrollTop - content.clientHeight < NEAR_THE_END;
    const messages = visibleMessages([...this.state.messages, ...this.notes], this);
    this.list.show(messages);
    const nothing = element("p", { class: "empty" }, "Nothing here yet. Type below, and press Enter.");
    const shown = messages.length ? this.list.node : nothing;
    if (content.firstChild !== shown) content.replaceChildren(shown);
    if (wasAtEnd || !this.isDrawn || Date.now() < this.answerExpectedUntil) content.scrollTop = content.scrollHeight;
  }

  /** In the browser's tab, and where a narrow window hides the list of places. */
  showNews(count) {
    this.news = count;
    this.find("fold").replaceChildren(...["Places", unreadMark(count)].filter(Boolean));
  }

  title(words, about) {
    this.find("heading").textContent = words;
    this.find("about").textContent = about;
    document.title = `${this.news ? `(${this.news}) ` : ""}${words} · ${this.state.app.name} playground`;
  }

  /** What a screen reader hears of a new message is its text, as in the chat itself. */
  announce(message) {
    if (!this.isDrawn) return;
    const { names } = this;
    const words = element("p", {}, `${names.person(message.author)}: `, messageText(message.text ?? "", names));
    this.find("announcer").replaceChildren(words);
  }

  messageSurface(message) {
    const place = { user: this.user, channel: message.channel, ts: message.ts };
    return { names: this.names, act: (press) => this.press({ ...place, ...press }) };
  }

  viewSurface(record) {
    return { names: this.names, act: (press) => this.tellModal("/-/press", record, press) };
  }

  /** An action of that id, or of that family of ids. */
  hasPressed(id) {
    return [...this.pressed].some((one) => one === id || one.startsWith(`${id}.`));
  }

  /** The messages with blocks that show. */
  cards() {
    return [...this.find("content").querySelectorAll(".message .blocks")];
  }

  newestCard() {
    return this.cards().at(-1) ?? null;
  }

  async press(body) {
    this.beforeActing();
    this.pressed.add(body.action_id);
    const answer = await send("/-/press", body);
    if (answer.error) this.note(body.channel, `The app did not take the press: \`${answer.error}\``);
  }

  async tellModal(path, record, what = {}) {
    const answer = await send(path, { user: this.user, view_id: record.id, ...what });
    const problem = answer.error ? `The app did not take it: ${answer.error}` : "";
    if (!this.modals.tell(problem) && problem) this.find("about").textContent = problem;
    return answer;
  }

  /** What does not begin with a slash is said to all in the conversation. */
  async command(text) {
    if (this.channel === HOME) this.leaveHome();
    this.beforeActing();
    this.answerExpectedUntil = Date.now() + ANSWER_EXPECTED_FOR;
    const { user, channel } = this;
    this.find("waiting").textContent = "Waiting for the app…";
    await this.stage?.connected(CONNECTS_WITHIN);
    const answer = await send(text.startsWith("/") ? "/-/command" : "/-/say", { user, channel, text });
    this.find("waiting").textContent = "";
    if (answer.error) this.note(channel, `\`${text.split(/\s/)[0]}\` failed with the error \`${answer.error}\``, user);
  }

  /** Nothing can be typed on the home tab: what the tour and the stage send goes to the first conversation. */
  leaveHome() {
    const own = channelsOf(this.state.channels, this.user);
    if (own.length) this.go(own[0].id);
  }

  /** A line that only this person sees and that no server knows. */
  note(channel, text, user = this.user) {
    const ts = String(Date.now() / 1000);
    this.notes.push({ ts, channel, author: NOTE_AUTHOR, text, ephemeral_to: user });
    this.draw();
  }
}

function aboutChannel(channel) {
  if (channel?.is_dm) return "Direct message";
  return channel?.is_ext_shared ? "Shared with another organisation" : "";
}

function wire(page) {
  on(page.find("person"), "change", (event) => page.choose({ user: event.target.value }));
  on(page.find("composer"), "submit", (event) => {
    event.preventDefault();
    const input = page.find("command");
    if (input.value.trim()) page.command(input.value.trim());
    input.select();
  });
  on(page.find("fold"), "click", (event) => {
    const isOpen = document.body.classList.toggle("unfolded");
    event.currentTarget.setAttribute("aria-expanded", String(isOpen));
  });
  for (const own of ["wheel", "touchmove", "keydown"]) on(page.find("content"), own, () => { page.answerExpectedUntil = 0; });
  on(document, "visibilitychange", () => page.draw());
  closeMenusOutside(document);
  openSelectsByArrows(document);
}

function tellConnection(page, isConnected) {
  page.find("connection").textContent = isConnected ? "" : "Not connected: trying again…";
}

async function start() {
  const wanted = new URLSearchParams(location.search);
  document.body.classList.toggle("bare", wanted.get("bare") === "1");
  const page = new Page(wanted);
  wire(page);
  await fetchJson("/-/state").then((state) => page.update(state), () => tellConnection(page, false));
  follow("/-/events", (state) => page.update(state), (isConnected) => tellConnection(page, isConnected));
  await openStage(page);
}

start();
