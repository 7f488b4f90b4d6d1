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
  line.textContent = `${comment.author}: ${comment.text}`; // never innerHTML: anybody can write anything
  line.style.opacity = pending ? "0.5" : "1";
  return line;
}

list.on("change", ({ items, removed, reset }) => {
  if (reset) lines.clear();
  for (const { key } of removed) lines.delete(key);
  comments.replaceChildren(...items.map(lineOf));
});

video.on("state", ({ state: name, reason }) => (state.textContent = reason ? `${name} (${reason})` : name));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { author, text } = Object.fromEntries(new FormData(form));
  form.elements.text.value = "";
  try {
    const { status } = await list.post({ author, text });
    problem.textContent = status === "held" ? "A moderator will look at it" : "";
  } catch ({ title, retryAfter }) {
    problem.textContent = retryAfter ? `${title}. Try again in ${retryAfter} s` : title;
    form.elements.text.value = text;
  }
});

video.open();
