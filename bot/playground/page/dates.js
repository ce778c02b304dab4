/** The date tokens of `<!date^…>`, in the browser's zone and clock habit, in English like the page. */

const DAY = 86_400_000;
const AGO_STEPS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

const TOKENS = {
  date_num: (when) => [when.getFullYear(), two(when.getMonth() + 1), two(when.getDate())].join("-"),
  date: (when) => long(when),
  date_short: (when) => part(when, { month: "short", day: "numeric", year: "numeric" }),
  date_long: (when) => `${part(when, { weekday: "long" })}, ${long(when)}`,
  date_pretty: (when, now) => near(when, now) ?? TOKENS.date(when),
  date_short_pretty: (when, now) => near(when, now) ?? TOKENS.date_short(when),
  date_long_pretty: (when, now) => near(when, now) ?? TOKENS.date_long(when),
  time: (when) => clockTime(when),
  time_secs: (when) => clockTime(when, { second: "2-digit" }),
  ago: (when, now) => ago(when, now),
};

/** The format with its tokens filled in, or null where the seconds are no moment (the fallback is shown then). */
export function formatDate(seconds, format, now = new Date()) {
  const when = new Date(Number(seconds) * 1000);
  if (!/^-?\d+$/.test(String(seconds)) || Number.isNaN(when.getTime())) return null;
  return format.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(TOKENS, name) ? TOKENS[name](when, now) : whole);
}

export function clockTime(when, extra = {}) {
  const hours = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hourCycle;
  const hourCycle = hours === "h12" || hours === "h11" ? "h12" : "h23";
  const hour = hourCycle === "h12" ? "numeric" : "2-digit";
  return part(when, { hour, minute: "2-digit", hourCycle, ...extra });
}

function part(when, options) {
  return new Intl.DateTimeFormat("en-US", options).format(when);
}

function two(number) {
  return String(number).padStart(2, "0");
}

function long(when) {
  return `${part(when, { month: "long" })} ${ordinal(when.getDate())}, ${when.getFullYear()}`;
}

function ordinal(day) {
  const ending = { one: "st", two: "nd", few: "rd", other: "th" };
  return day + ending[new Intl.PluralRules("en", { type: "ordinal" }).select(day)];
}

function near(when, now) {
  const midnight = (moment) => Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const days = (midnight(when) - midnight(now)) / DAY;
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function ago(when, now) {
  const seconds = (when - now) / 1000;
  const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  for (const [unit, size] of AGO_STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.trunc(seconds), "second");
}
