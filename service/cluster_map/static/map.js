// Asks for the map every two seconds and shows it. All texts come from other processes, so they are
// only ever set as textContent; the page's policy allows nothing else.

import { condition, memberTable, number, syncTable, videoTable } from "./map_tables.js";

/** @typedef {import("./map_tables.js").Member} Member */
/** @typedef {import("./map_tables.js").Video} Video */
/**
 * @typedef {object} ClusterMap
 * @property {string} made_at
 * @property {string} by
 * @property {{viewers: number, comments_per_s: number | null, deliveries_per_s: number | null}} totals
 * @property {Member[]} members
 * @property {Video[]} videos
 * @property {string[]} notes
 */

const EVERY_MS = 2000;
const ANSWER_WITHIN_MS = 5000;
const ROLES = /** @type {const} */ ([
  ["single", "Single process"],
  ["writer", "Writers"],
  ["dispatcher", "Dispatchers"],
  ["node", "Nodes"],
  ["", "Not known"],
]);

const freshness = byId("freshness");
const pause = byId("pause");
/** @type {Map<string, string>} the state of each member as it was last told to readers */
const told = new Map();
let paused = false;
let lastAt = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

/** Sets a text only where it differs, so that a selection and a reader's place stay.
 * @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

async function refresh() {
  clearTimeout(timer);
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const reply = await fetch("map.json", { cache: "no-store", signal });
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    show(/** @type {ClusterMap} */ (await reply.json()));
  } catch {
    showLost();
  }
  schedule();
}

function schedule() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(refresh, EVERY_MS);
}

/** @param {ClusterMap} map */
function show(map) {
  lastAt = new Date(map.made_at).toLocaleTimeString();
  document.body.classList.remove("lost");
  setText(freshness, `As ${map.by} sees it, at ${lastAt}`);
  showTitle(map.members);
  showNotes(map.notes);
  showTotals(map);
  showMembers(map.members);
  showVideos(map.videos, map.members);
  tellChanges(map.members);
}

/** A service of a single process is no cluster. @param {Member[]} members */
function showTitle(members) {
  const title = members.every(({ role }) => role === "single") ? "Map of one process" : "Cluster map";
  if (document.title === title) return;
  document.title = title;
  for (const heading of document.querySelectorAll("h1")) setText(heading, title);
}

function showLost() {
  const since = lastAt === "" ? "" : ` What is shown is from ${lastAt}.`;
  if (!document.body.classList.contains("lost")) {
    setText(byId("changes"), "The process that makes this map does not answer.");
  }
  document.body.classList.add("lost");
  setText(freshness, `The process that makes this map does not answer.${since}`);
}

/** @param {string[]} notes */
function showNotes(notes) {
  const list = byId("notes");
  list.hidden = notes.length === 0;
  list.replaceChildren(
    ...notes.map((note) => {
      const item = document.createElement("li");
      item.textContent = note;
      return item;
    }),
  );
}

/** @param {ClusterMap} map */
function showTotals({ totals, members }) {
  const up = members.filter((member) => member.state === "ready").length;
  /** @type {[string, string][]} */
  const figures = [
    ["Viewers", number(totals.viewers)],
    ["Comments a second", number(totals.comments_per_s)],
    ["Deliveries a second", number(totals.deliveries_per_s)],
    ["Processes ready", `${up} of ${members.length}`],
  ];
  const list = byId("totals");
  figures.forEach(([name, value], place) => {
    const group = list.children[place] ?? list.appendChild(newGroup(name));
    setText(/** @type {Element} */ (group.lastElementChild), value);
  });
}

/** @param {string} name */
function newGroup(name) {
  const group = document.createElement("div");
  const title = document.createElement("dt");
  title.textContent = name;
  group.append(title, document.createElement("dd"));
  return group;
}

/** @param {Member[]} members */
function showMembers(members) {
  for (const [role, title] of ROLES) {
    const table = memberTable(role, members.filter((member) => member.role === role));
    syncTable(byId("members"), title, table);
  }
}

/** @param {Video[]} videos @param {Member[]} members */
function showVideos(videos, members) {
  const section = byId("videos");
  section.hidden = videos.length === 0;
  const routed = members.some((member) => member.role === "dispatcher");
  syncTable(section, "Busiest videos", videoTable(videos, routed));
}

/** Tells readers what is new about a member's state, and nothing of figures.
 * @param {Member[]} members */
function tellChanges(members) {
  const first = told.size === 0;
  const news = [];
  for (const member of members) {
    const name = member.id || member.address;
    const state = condition(member);
    if (!first && told.get(name) !== state) news.push(`${name} is ${state}.`);
    told.set(name, state);
  }
  const names = new Set(members.map((member) => member.id || member.address));
  for (const name of told.keys()) if (!names.has(name)) told.delete(name);
  if (news.length > 0) setText(byId("changes"), news.join(" "));
}

pause.addEventListener("click", () => {
  paused = !paused;
  setText(pause, paused ? "Resume updates" : "Pause updates");
  document.body.classList.toggle("paused", paused);
  if (paused) schedule();
  else void refresh();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !paused) void refresh();
});
void refresh();
