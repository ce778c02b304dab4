/** The few emoji shortcodes that the page knows; any other stays the text it is. */

const EMOJI = new Map(Object.entries({
  white_check_mark: "✅", x: "❌", warning: "⚠️", question: "❓",
  red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", large_blue_circle: "🔵", white_circle: "⚪",
  hourglass_flowing_sand: "⏳", bell: "🔔", no_bell: "🔕", mag: "🔍", information_source: "ℹ️",
  link: "🔗", file_folder: "📁", movie_camera: "🎥", arrows_counterclockwise: "🔄", bulb: "💡",
  rotating_light: "🚨", "+1": "👍", "-1": "👎",
}));

export function emoji(name) {
  return EMOJI.get(name) ?? null;
}
