/** The keys, and the list of them. They do nothing while somebody types, and can be switched off. */

import { get, make, makeButton } from "./dom.js";
import { recall, remember } from "./memory.js";
import { say } from "./messages.js";
import { makeDialog, show } from "./moderate_ask.js";

/** @typedef {import("./moderate_held.js").Held} Held */
/** @typedef {import("./moderate_live.js").LiveFeed} LiveFeed */
/** @typedef {{live: LiveFeed, held: Held, undo: () => void, go: (pane: "live" | "held") => void}} Parts */

const MOVES = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
const JUMPS = { Home: 0, End: -1 };
const VERBS = { d: "remove", t: "timeout", b: "ban", p: "purge", n: "pin" };
const DECISIONS = /** @type {const} */ ({ a: "approve", x: "deny" });
const GOES = /** @type {const} */ ({ l: "live", h: "held" });

/** Keys, and the key of the sentence about them. */
const LIST = [
  ["j k", "help.move"],
  ["Esc", "help.leave"],
  ["d", "help.remove"],
  ["t", "help.timeout"],
  ["b", "help.ban"],
  ["p", "help.purge"],
  ["n", "help.pin"],
  ["u", "help.undo"],
  ["a x", "help.decide"],
  ["l h", "help.go"],
];

/** @param {Parts} parts */
export function listenToKeys(parts) {
  get("help").onclick = showHelp;
  document.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (ctrlKey || metaKey || altKey || document.querySelector("dialog[open]")) return;
    if (target instanceof Element && target.closest("input, select, textarea")) return;
    if (key.length === 1 && recall("keys") === "off") return;
    const act = meaning(parts, key, event.target);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * What a key does where the focus is; undefined if nothing of ours.
 * @param {Parts} parts @param {string} key @param {EventTarget | null} target
 */
function meaning({ live, held, undo, go }, key, target) {
  if (key === "u") return undo;
  if (key === "?") return showHelp;
  if (key in GOES) return () => go(GOES[/** @type {keyof GOES} */ (key)]);
  const inside = target instanceof Element ? target : document.body;
  const isHeld = inside.closest("#held") !== null;
  if (!isHeld && !inside.closest("#live") && inside !== document.body) return undefined;
  const list = isHeld ? held : live;
  const isMoving = inside.closest(".log") || key.length === 1 || inside === document.body;
  if (key in MOVES && isMoving) return () => list.move(MOVES[/** @type {keyof MOVES} */ (key)]);
  if (key in JUMPS && isMoving) return () => list.jump(JUMPS[/** @type {keyof JUMPS} */ (key)]);
  if (key === "Escape") return () => list.leave();
  if (isHeld) return key in DECISIONS ? () => held.decide(DECISIONS[/** @type {keyof DECISIONS} */ (key)]) : undefined;
  return key in VERBS ? () => live.do(VERBS[/** @type {keyof VERBS} */ (key)]) : undefined;
}

function showHelp() {
  const list = make("dl", "keys");
  for (const [keys, text] of LIST) {
    list.append(make("dt", "", ...keys.split(" ").map((key) => make("kbd", "", key))), make("dd", "", say(text)));
  }
  const box = make("input");
  box.type = "checkbox";
  box.id = "single";
  box.checked = recall("keys") !== "off";
  box.onchange = () => remember("keys", box.checked ? "" : "off");
  const label = make("label", "", say("help.keys"));
  label.htmlFor = box.id;
  const close = makeButton("main", say("close"), () => dialog.close());
  const dialog = makeDialog(say("help.name"), list, make("p", "switch", box, label), make("p", "buttons", close));
  show(dialog, close);
}
