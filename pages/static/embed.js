/** The viewers' page of one video: its parts, put together. */

import { Access } from "./access.js";
import { offerReadingAloud, showState, showViewers } from "./bar.js";
import { CommentList, LiveComments } from "./client/index.js";
import { Composer } from "./composer.js";
import { embedTexts } from "./embed_texts.js";
import { calmly, Feed, LIMIT } from "./feed.js";
import { addTexts, fillTexts, say } from "./messages.js";
import { showPin } from "./pin.js";
import { videoId } from "./place.js";
import { explain } from "./problems.js";

const EMPTY_AFTER_MS = 800; // of a stream whose older comments did not come: there are none

/** Everything that depends on who is signed in. */
function start() {
  const client = new LiveComments({ getToken: (why) => access.get(why) });
  const video = client.video(videoId(), { replay: 50 });
  const list = new CommentList(video, { limit: LIMIT, schedule: calmly });
  showState(video);
  showViewers(video);
  showPin(video);
  const composer = new Composer(video, list, access.known);
  const feed = new Feed(video, list, ({ pending, comment }) => pending || comment.author_id === (composer.authorId || null));
  video.on("problem", (problem) => {
    feed.explain(/^t\w+_missing$/.test(problem.code) ? say("signin.read") : explain(problem));
  });
  video.on("state", ({ state }) => {
    if (state !== "closed") feed.explain(""); // a problem has said why
    if (state === "live") setTimeout(() => video.state === "live" && feed.explain(say("log.empty")), EMPTY_AFTER_MS);
  });
  video.open();
  return {
    signIn: () => composer.signIn(access.known),
    end: () => {
      composer.close();
      feed.close();
      list.close();
      video.close();
    },
  };
}

addTexts(embedTexts);
fillTexts();
offerReadingAloud();
const access = new Access((inUse) => {
  if (!inUse) return running.signIn();
  running.end();
  running = start();
});
let running = start();
