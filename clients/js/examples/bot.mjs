/** Answers "!time" in one video: node bot.mjs http://127.0.0.1:8080 launch-1 */
import { LiveComments } from "@livecomments/client";

const [url, id] = process.argv.slice(2);
const video = new LiveComments({ url }).video(id, { replay: 0 });

video.on("comment", async ({ seq, text }) => {
  if (text !== "!time") return;
  // A key of its own for each question: answered once, even if this program starts again.
  await video.post({ author: "clock", text: new Date().toISOString(), key: `time-${seq}` }).catch(console.error);
});
video.on("state", ({ state, reason }) => console.error(state, reason));
video.on("problem", (problem) => console.error(problem.code, problem.message));
video.open();
