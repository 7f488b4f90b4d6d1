// Tables of the map: what stands in which column, and how a table is changed in place. Rows are kept
// by their key and cells are changed only where their text differs: a reader's place, a selection
// and the scroll position outlive an update.

/**
 * @typedef {object} Member
 * @property {string} role
 * @property {string} id
 * @property {string} address
 * @property {string} state
 * @property {string[]} why
 * @property {number | null} up_s
 * @property {number | null} viewers
 * @property {number | null} videos
 * @property {Record<string, number>} rates
 * @property {Record<string, number>} queues
 */
/**
 * @typedef {object} Video
 * @property {string} video_id
 * @property {number} viewers
 * @property {Record<string, number>} nodes
 * @property {Record<string, string[]>} routes
 */
/** A row: its key, its heading, a state to colour it by, and its cells.
 * @typedef {{key: string, name: string, state: string, cells: string[]}} Row */
/** @typedef {{head: string[], figures: Set<string>, rows: Row[]}} Table */
/** @typedef {[string, (member: Member) => string]} Column */

const NONE = "\u2013";
const FIGURES = new Set([
  "Viewers", "Videos", "Routes", "Comments/s", "Deliveries/s", "Received/s", "Forwarded/s",
]);
/** @type {Column} */
const VIEWERS = ["Viewers", (member) => number(member.viewers)];
/** @type {Column} */
const VIDEOS = ["Videos", (member) => number(member.videos)];
/** @type {Record<string, Column[]>} */
const COLUMNS = {
  single: [VIEWERS, VIDEOS, rate("Comments/s", "comments"), rate("Deliveries/s", "deliveries")],
  writer: [rate("Comments/s", "comments")],
  dispatcher: [
    ["Routes", (member) => number(member.videos)],
    rate("Forwarded/s", "forwarded"),
  ],
  node: [
    VIEWERS,
    VIDEOS,
    rate("Received/s", "received"),
    rate("Deliveries/s", "deliveries"),
  ],
  "": [],
};

/** A figure as people read it; a dash for none. @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined) return NONE;
  const digits = value > 0 && value < 10 && !Number.isInteger(value) ? 1 : 0;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** @param {string} title @param {string} counter @returns {Column} */
function rate(title, counter) {
  return [title, (member) => number(member.rates[`${counter}_per_s`])];
}

/** @param {number | null} seconds */
function age(seconds) {
  if (seconds === null) return NONE;
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
}

/** A member's state, and why. @param {Member} member */
export function condition({ state, why }) {
  return why.length === 0 ? state : `${state}: ${why.join(", ")}`;
}

/** @param {Record<string, number | string>} pairs */
function list(pairs) {
  return Object.entries(pairs).map(([name, value]) => `${name}: ${value}`).join(", ") || NONE;
}

/** @param {string} role @param {Member[]} members @returns {Table} */
export function memberTable(role, members) {
  /** @type {Column[]} */
  const columns = [
    ["State", condition],
    ...(COLUMNS[role] ?? []),
    ["Waiting", (member) => list(member.queues)],
    ["Up", (member) => age(member.up_s)],
    ["Address", (member) => member.address || "this process"],
  ];
  const rows = members.map((member) => ({
    key: member.id || member.address,
    name: member.id || member.address,
    state: member.state,
    cells: columns.map(([, read]) => read(member)),
  }));
  return { head: ["Process", ...columns.map(([title]) => title)], figures: FIGURES, rows };
}

/** routed: whether there are dispatchers to tell routes. @param {Video[]} videos
 * @param {boolean} routed @returns {Table} */
export function videoTable(videos, routed) {
  const rows = videos.map((video) => ({
    key: video.video_id,
    name: video.video_id,
    state: "",
    cells: [number(video.viewers), list(video.nodes), ...(routed ? [routesOf(video)] : [])],
  }));
  const route = routed ? ["Dispatchers' route"] : [];
  return { head: ["Video", "Viewers", "Viewers by node", ...route], figures: FIGURES, rows };
}

/** Dispatchers that agree are named once. @param {Video} video */
function routesOf(video) {
  /** @type {Map<string, string[]>} */
  const ways = new Map();
  for (const [dispatcher, nodes] of Object.entries(video.routes)) {
    const way = nodes.join(", ") || "no node";
    ways.set(way, [...(ways.get(way) ?? []), dispatcher]);
  }
  const texts = [...ways].map(([way, who]) => `${way} (${who.join(", ")})`);
  return texts.join("; ") || "none in memory";
}

/** Makes the table of that title in `parent` be `table`; there is none without rows.
 * @param {HTMLElement} parent @param {string} title @param {Table} table */
export function syncTable(parent, title, table) {
  /** @type {HTMLTableElement | undefined} */
  const found = [...parent.querySelectorAll("table")].find((one) => one.dataset.title === title);
  if (table.rows.length === 0) {
    found?.remove();
    return;
  }
  const element = found ?? parent.appendChild(newTable(title));
  syncHead(element, table);
  syncRows(/** @type {HTMLTableSectionElement} */ (element.tBodies[0]), table);
}

/** The roles are said, because styles for narrow windows would take them away.
 * @param {string} title */
function newTable(title) {
  const table = document.createElement("table");
  table.dataset.title = title;
  table.setAttribute("role", "table");
  table.createCaption().textContent = title;
  table.createTHead().setAttribute("role", "rowgroup");
  table.createTBody().setAttribute("role", "rowgroup");
  return table;
}

/** @param {HTMLTableElement} element @param {Table} table */
function syncHead(element, table) {
  const head = table.head.join("\n");
  if (element.dataset.head === head || element.tHead === null) return;
  element.dataset.head = head;
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  for (const title of table.head) {
    const cell = newCell("th", title, table);
    cell.setAttribute("scope", "col");
    cell.setAttribute("role", "columnheader");
    cell.textContent = title;
    row.append(cell);
  }
  element.tHead.replaceChildren(row);
  element.tBodies[0]?.replaceChildren();
}

/** @param {HTMLTableSectionElement} body @param {Table} table */
function syncRows(body, table) {
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  table.rows.forEach((wanted, place) => {
    const row = old.get(wanted.key) ?? newRow(wanted, table);
    old.delete(wanted.key);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
    row.dataset.state = wanted.state;
    [wanted.name, ...wanted.cells].forEach((text, at) => setCell(row.cells[at], text));
  });
  for (const row of old.values()) row.remove();
}

/** @param {Row} wanted @param {Table} table */
function newRow(wanted, table) {
  const row = document.createElement("tr");
  row.dataset.key = wanted.key;
  row.setAttribute("role", "row");
  table.head.forEach((title, at) => {
    const cell = newCell(at === 0 ? "th" : "td", title, table);
    cell.setAttribute("role", at === 0 ? "rowheader" : "cell");
    if (at === 0) cell.setAttribute("scope", "row");
    cell.append(document.createElement("bdi"));
    row.append(cell);
  });
  return row;
}

/** @param {"th" | "td"} tag @param {string} title @param {Table} table */
function newCell(tag, title, table) {
  const cell = document.createElement(tag);
  cell.dataset.title = title;
  if (table.figures.has(title)) cell.classList.add("figure");
  return cell;
}

/** @param {HTMLTableCellElement | undefined} cell @param {string} text */
function setCell(cell, text) {
  const inner = cell?.firstElementChild;
  if (inner && inner.textContent !== text) inner.textContent = text;
}
