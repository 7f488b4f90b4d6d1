/**
 * One client in a process of its own: each event is a line of JSON, and so is each order to it.
 * Arguments: the package's entry file, and {url, video, options, token}.
 */
import { createInterface } from "node:readline";

const [entry, described] = process.argv.slice(2);
const { LiveComments, CommentList } = await import(entry);
const { url, video: id, options, token } = JSON.parse(described);

const tell = (event, ...args) => process.stdout.write(`${JSON.stringify({ event, args })}\n`);
const tokens = [token].flat();
const client = new LiveComments({
  url,
  getToken: token && (({ reason }) => (tell("token", reason), tokens.length > 1 ? tokens.shift() : tokens[0])),
});
const video = client.video(id, options);
for (const name of [
  "state", "comment", "removed", "restored", "settings", "sanctioned", "pinned", "viewers", "gap", "reset", "cursor",
]) {
  video.on(name, (...args) => tell(name, ...args));
}
video.on("problem", ({ code, status }) => tell("problem", { code, status }));
const list = new CommentList(video, { limit: 100, schedule: setImmediate });
list.on("change", ({ items }) => tell("shown", items.map(({ comment, pending }) => [comment.seq, comment.text, pending])));

const orders = {
  open: () => video.open(),
  close: () => video.close(),
  post: async ({ number, ...comment }) => {
    try {
      tell("posted", number, await list.post(comment));
    } catch (problem) {
      tell("refused", number, { code: problem.code, status: problem.status });
    }
  },
  exit: () => process.exit(),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { order, ...more } = JSON.parse(line);
  void orders[order](more);
});
video.open();
