/** Opens the stage, the trace and the tour beside the chat, where the stand-in has a stage. */

import { on } from "./dom.js";
import { fetchJson, follow } from "./server.js";
import { showRooms, Stage, wireFolding } from "./stage.js";
import { Tour } from "./tour.js";
import { Trace } from "./trace.js";

/** Null where there is no stage: a stand-in that was opened without one. */
export async function openStage(page) {
  const first = await fetchJson("/-/stage").catch(() => null);
  if (first === null) return void document.body.classList.add("alone");
  const stage = page.stage = new Stage(page);
  const [filter, clear, justDid] = ["layer", "clear", "just-did"].map(page.find);
  const trace = new Trace(page.find("trace"), { filter, clear, justDid });
  page.beforeActing = () => trace.begin();
  const tour = new Tour(page.find("tour"), page, stage, localStorage);
  stage.show(first.stage);
  wireFolding(page.find);
  page.afterDrawing = () => tour.look();
  follow("/-/stage/events", ({ stage: state, entries }) => {
    trace.add(entries);
    if (state) stage.show(state);
    tour.look();
  });
  await offerRooms(page, stage);
  page.find("start-tour").hidden = !first.stage.rtc;
  if (!first.stage.rtc) Object.assign(page.find("command"), { value: "", placeholder: "Say something, or type a /command" });
  on(page.find("start-tour"), "click", () => tour.start());
  if (first.stage.rtc && !document.body.classList.contains("bare")) tour.offer();
}

async function offerRooms(page, stage) {
  const rooms = await fetchJson("/-/rooms").catch(() => []);
  const others = (Array.isArray(rooms) ? rooms : []).filter((one) => !stage.row(one.room, one.task));
  showRooms(page.find("rooms").querySelector("ul"), others, ({ room, task }) => {
    const input = page.find("command");
    input.value = `/rectask ${room} ${task ?? "Task1"}`;
    input.focus();
  });
}
