/** A whole page: comments as they come, own ones at once. ?url=http://127.0.0.1:8080&video=launch-1 */
import { CommentList, LiveComments } from "../src/index.js";

const query = new URLSearchParams(location.search);
const client = new LiveComments({ url: query.get("url") ?? undefined });
const video = client.video(query.get("video") ?? "launch-1");
const list = new CommentList(video);
const [state, comments, form, problem] = ["state", "comments", "form", "problem"].map((id) => document.getElementById(id));

/** One line for each item, kept as long as the item is shown. */
const lines = new Map();

function lineOf({ key, comment, pending }) {
  const line = lines.get(key) ?? document.createElement("li");
  lines.set(key, line);
  const text = `${comment.author}: ${comment.text}`;
  if (line.textContent !== text) line.textContent = text; // never innerHTML: anybody can write anything
  line.style.opacity = pending ? "0.5" : "1";
  return line;
}

list.on("change", ({ items, removed, reset }) => {
  const shown = new Set(items.map(({ key }) => key));
  for (const key of reset ? [...lines.keys()] : removed.map(({ key }) => key)) {
    if (shown.has(key)) continue;
    lines.get(key)?.remove();
    lines.delete(key);
  }
  // What is there already does not move: a screen reader would read all of it again.
  let next = comments.firstElementChild;
  for (const line of items.map(lineOf)) {
    if (line === next) next = next.nextElementSibling;
    else comments.insertBefore(line, next);
  }
});

video.on("state", ({ state: name, reason }) => (state.textContent = reason ? `${name} (${reason})` : name));

/** What may be stored already: sent again with its key it is stored once. */
let failed;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { author, text } = Object.fromEntries(new FormData(form));
  form.elements.text.value = "";
  try {
    const key = failed?.author === author && failed.text === text ? failed.key : undefined;
    const { status } = await list.post({ author, text, key });
    failed = undefined;
    problem.textContent = status === "held" ? "A moderator will look at it" : "";
  } catch ({ title, retryAfter, key }) {
    failed = { author, text, key };
    problem.textContent = retryAfter ? `${title}. Try again in ${retryAfter} s` : title;
    form.elements.text.value = text;
  }
});

video.open();
