/** The moderators' page of one video: its parts, put together. */

import { showState, showViewers } from "./bar.js";
import { LiveComments, Problem } from "./client/index.js";
import { get } from "./dom.js";
import { addTexts, fillTexts, say } from "./messages.js";
import { Actions } from "./moderate_actions.js";
import { Audit } from "./moderate_audit.js";
import { Filters } from "./moderate_filters.js";
import { Held } from "./moderate_held.js";
import { listenToKeys } from "./moderate_keys.js";
import { LogList } from "./moderate_list.js";
import { LiveFeed } from "./moderate_live.js";
import { Names } from "./moderate_names.js";
import { Outcome } from "./moderate_outcome.js";
import { Panes } from "./moderate_panes.js";
import { Sanctions } from "./moderate_sanctions.js";
import { Session } from "./moderate_session.js";
import { SettingsForm } from "./moderate_settings.js";
import { moderateTexts } from "./moderate_texts.js";
import { readClock } from "./moderate_time.js";
import { showPin } from "./pin.js";
import { videoId } from "./place.js";

/** @typedef {import("./index.d.ts").Me} Me */
/** @typedef {import("./index.d.ts").EntryPage} EntryPage */

const PAGE = 100;

/** Whether a token is a moderator's, and the newest page of the log. @param {string} token */
async function enter(token) {
  const client = new LiveComments({ getToken: ({ reason }) => (reason === "missing" ? token : null) });
  const reading = client.video(videoId());
  const me = await reading.me();
  if (!me.badges?.length) throw new Problem("not_moderator", 403);
  const [page] = await Promise.all([reading.entries({ limit: PAGE }), readClock()]);
  return { me, page };
}

/** @param {Session} session @param {{me: Me, page: EntryPage}} entered */
function start(session, { me, page }) {
  const client = new LiveComments({ getToken: (why) => session.get(why) });
  const video = client.video(videoId(), { cursor: page.head });
  const { moderation } = video;
  const names = new Names(video);
  names.note({ author_id: me.author_id, author: me.name });
  for (const entry of page.entries) if (!entry.type) names.note(entry);
  const outcome = new Outcome();
  const list = new LogList(video);
  const sanctions = new Sanctions(video, names, outcome, (id) => list.touch(list.by(id)));
  const live = new LiveFeed(video, list, new Actions(video, list, sanctions, outcome), sanctions, () => outcome.tell(""));
  const audit = new Audit(moderation, names, outcome);
  const panes = new Panes((pane) => pane === "audit" && void audit.look());
  const held = new Held(moderation, outcome, (n) => {
    panes.count("held", n);
    document.title = say(n ? "page.waiting" : "page.title", { n, video: video.id });
  });
  new SettingsForm(video, outcome);
  new Filters(moderation, outcome);
  showState(video);
  showViewers(video);
  showPin(video);
  listenToKeys({
    live,
    held,
    undo: () => void outcome.undo(),
    go: (pane) => {
      panes.show(pane);
      (pane === "live" ? live : held).focus();
    },
  });
  video.on("state", ({ state }) => state === "live" && live.explain(say("log.empty")));
  video.on("problem", (problem) => outcome.refuse(problem));
  session.renewed = () => {
    held.look();
    video.open(); // unless it is
  };
  list.begin(page);
  get("me").textContent = me.name ?? "";
  for (const id of ["columns", "footer", "state"]) get(id).hidden = false;
  video.open();
  live.focus();
}

addTexts(moderateTexts);
fillTexts();
get("video").textContent = videoId();
document.title = say("page.title", { video: videoId() });
const session = new Session(videoId());
void session.begin(enter).then((entered) => start(session, entered));
