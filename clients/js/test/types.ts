/** Compiled only: what index.d.ts declares is what the sources are. */
import * as declared from "../index.js";
import * as made from "../src/index.js";
import { Video } from "../src/video.js";

export const client: typeof declared.LiveComments = made.LiveComments;
export const list: typeof declared.CommentList = made.CommentList;
export const problem: typeof declared.Problem = made.Problem;
declare const video: Video;
export const sameVideo: declared.Video = video;

// As somebody who uses it writes it.
const used = new declared.LiveComments({ url: "https://comments.example.org" }).video("v");
used.on("comment", (comment, { source }) => console.log(comment.author_id?.length, source === "history"));
used.on("gap", ({ filled }) => console.log(filled));
used.once("state", ({ state }) => state === "live");
// @ts-expect-error there is no such event
used.on("comments", () => {});
// @ts-expect-error a comment has a text
await used.post({ author: "ann" });
const posted = await used.post({ text: "hi" });
if (posted.status === "held") posted.expiresAt.length;
else posted.comment.seq.toFixed();
// What may be stored already is posted again under its key.
await used.post({ text: "hi" }).catch((problem: declared.Problem) => used.post({ text: "hi", key: problem.key }));
