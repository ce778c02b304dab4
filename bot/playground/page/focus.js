/** Whoever goes by keyboard keeps their place, though what is drawn anew takes the focused control away. */

const CONTROLS = "a[href], button, input, select, summary, textarea, [tabindex='0']";

/** What was open in `root` and can be told apart stays open as well. */
export function keepingFocus(root, change) {
  const goBack = remember(root);
  const open = [...root.querySelectorAll("details[data-key][open]")].map(nameOf);
  change();
  for (const node of root.querySelectorAll("details[data-key]")) node.open ||= open.includes(nameOf(node));
  goBack();
}

/** A way back to the control of `root` that has the focus: to that of its name (see nameOf), else to what took its place. */
export function remember(root) {
  const focused = document.activeElement;
  const [place, name] = [controls(root).indexOf(focused), nameOf(focused)];
  return (there = root) => {
    if (place < 0 || (focused.isConnected && document.activeElement === focused)) return;
    const now = controls(there);
    const again = nearest(now, place, (one) => nameOf(one) === name) ?? now[Math.min(place, now.length - 1)];
    again?.focus({ preventScroll: true });
  };
}

function controls(root) {
  return [...root.querySelectorAll(CONTROLS)].filter((one) => one.checkVisibility());
}

/** Its own key, or its words, after the keys of all that it stands in. */
function nameOf(node) {
  const own = node.dataset.key ?? node.getAttribute("aria-label") ?? node.textContent;
  const around = [];
  for (let one = node.parentElement; one; one = one.parentElement) if (one.dataset.key) around.push(one.dataset.key);
  return JSON.stringify([...around.reverse(), own]);
}

/** Ids that Slack gives are new at each update, so one name may be there twice. */
function nearest(all, place, fits) {
  return all.map((one, index) => ({ one, away: Math.abs(index - place) })).filter(({ one }) => fits(one))
    .sort((one, other) => one.away - other.away)[0]?.one;
}
