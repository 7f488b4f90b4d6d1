/** One video: its events, its state, and what can be asked and said about it. */
import { Emitter } from "./emitter.js";
import { Log } from "./log.js";
import { Moderation } from "./moderation.js";
import { isHidden, watchPage } from "./page.js";
import { post } from "./post.js";
import { Reading } from "./reading.js";

const READ_WITHIN_MS = 10_000;
const HIDDEN_FOR_MS = 5_000; // somebody who looks for another tab comes by

/** @typedef {import("../index.d.ts").State} State */
/** @typedef {import("../index.d.ts").Comment} Comment */

/**
 * Owned by whoever called `LiveComments.video`; holds a stream from `open` to `close`.
 *
 * @extends {Emitter<import("../index.d.ts").VideoEvents>}
 */
export class Video extends Emitter {
  /** @type {State} */
  state = "closed";
  reason = "client";
  /** @type {import("../index.d.ts").Settings | null} */
  settings = null;
  /** @type {Comment | null} */
  pinned = null;
  /** @type {import("../index.d.ts").Viewers | null} */
  viewers = null;
  #http;
  #path;
  #options;
  #makeSource;
  #log;
  /** @type {Reading | undefined} */
  #reading;
  /** What is pinned, also while it is removed. @type {Comment | null} */
  #pin = null;
  #wasLive = false;
  #told = "";
  /** @type {(() => void) | undefined} */
  #unwatch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;

  /**
   * @param {import("./http.js").Http} http
   * @param {string} id
   * @param {import("../index.d.ts").VideoOptions} options
   * @param {(reader: import("./stream.js").Reader) => import("./reading.js").Source} makeSource
   */
  constructor(http, id, options, makeSource) {
    super();
    this.id = id;
    this.#http = http;
    this.#path = `/v1/videos/${id}`;
    this.#options = options;
    this.#makeSource = makeSource;
    this.#log = new Log(options.cursor);
    this.moderation = new Moderation(http, this.#path);
  }

  get cursor() {
    return this.#log.cursor;
  }

  /** Begin, or go on after the cursor. Does nothing while it is open. */
  open() {
    if (this.#unwatch) return;
    this.#unwatch = watchPage({
      woke: () => this.#reading?.poke(),
      hidden: (isHidden) => this.#hidden(isHidden),
    });
    if (this.#options.pauseWhenHidden && isHidden()) this.#set("closed", "hidden");
    else this.#read("");
  }

  /** End it; what was told stays, and so does the cursor. */
  close() {
    this.#end("client");
  }

  /** @param {{signal?: AbortSignal}} [options] @returns {Promise<import("../index.d.ts").Me>} */
  async me({ signal } = {}) {
    return (await this.#http.call("GET", `${this.#path}/me`, { signal, withinMs: READ_WITHIN_MS })).body;
  }

  /** @param {import("../index.d.ts").NewComment} comment @param {{signal?: AbortSignal}} [options] */
  post(comment, options) {
    return post(this.#http, this.#path, comment, options);
  }

  /** @param {import("../index.d.ts").PageQuery} [query] @returns {Promise<import("../index.d.ts").CommentPage>} */
  history(query) {
    return this.#page("comments", query);
  }

  /** @param {import("../index.d.ts").PageQuery} [query] @returns {Promise<import("../index.d.ts").EntryPage>} */
  entries(query) {
    return this.#page("entries", query);
  }

  /** @param {string} what @param {import("../index.d.ts").PageQuery} [query] */
  async #page(what, { signal, ...query } = {}) {
    const call = { query, reads: true, signal, withinMs: READ_WITHIN_MS };
    return (await this.#http.call("GET", `${this.#path}/${what}`, call)).body;
  }

  /** @param {string} reason */
  #read(reason) {
    const { history = 0 } = this.#options;
    const video = { http: this.#http, path: this.#path, history };
    this.#reading = new Reading(video, this.#log, this.#makeSource, {
      tell: (type, data, source) => this.#tell(type, data, source),
      gap: (gap) => this.emit("gap", gap),
      reset: (reason) => this.#reset(reason),
      live: () => this.#live(),
      lost: (reason) => this.#set(this.#wasLive ? "recovering" : "connecting", reason),
      refused: (problem) => this.#refused(problem),
      moved: () => this.#moved(),
    });
    this.#set(this.#wasLive ? "recovering" : "connecting", reason);
    void this.#reading?.start(); // a listener may have closed it
  }

  /** @param {string} reason */
  #end(reason) {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#pause(reason);
  }

  /** @param {string} reason */
  #pause(reason) {
    clearTimeout(this.#hiding);
    this.#reading?.stop();
    this.#reading = undefined;
    this.#set("closed", reason);
  }

  /** @param {boolean} isHidden */
  #hidden(isHidden) {
    if (!this.#options.pauseWhenHidden) return;
    clearTimeout(this.#hiding);
    if (isHidden) this.#hiding = setTimeout(() => this.#pause("hidden"), HIDDEN_FOR_MS);
    else if (!this.#reading) this.#read("hidden");
  }

  /** @param {State} state @param {string} reason */
  #set(state, reason) {
    const previous = this.state;
    if (state === previous && reason === this.reason) return;
    this.state = state;
    this.reason = reason;
    this.emit("state", { state, previous, reason });
  }

  #live() {
    this.#wasLive = true;
    this.#set("live", "");
  }

  /** @param {import("./problem.js").Problem} problem */
  #refused(problem) {
    this.emit("problem", problem);
    this.#end(problem.code);
  }

  #moved() {
    const cursor = this.cursor;
    if (cursor === undefined || cursor === this.#told) return;
    this.#told = cursor;
    this.emit("cursor", { cursor });
  }

  /** @param {string} reason */
  #reset(reason) {
    this.settings = null;
    this.viewers = null;
    this.pinned = this.#pin = null;
    this.emit("reset", { reason });
  }

  /** @param {string} type @param {any} data @param {"stream" | "history"} source */
  #tell(type, data, source) {
    if (type === "comment") this.emit("comment", data, { source, seq: data.seq, id: data.id });
    else if (type === "settings") this.#settings(data);
    else if (type === "pinned") this.#show((this.#pin = data.comment));
    else if (type === "viewers") this.emit("viewers", (this.viewers = data));
    else if (type === "state") this.#state(data);
    else if (type === "sanctioned") this.emit("sanctioned", data);
    else if (type === "removed") {
      this.emit("removed", data);
      if (data.targets.includes(this.pinned?.seq)) this.#show(null);
    } else if (type === "restored") {
      this.emit("restored", data);
      if (data.comment.seq === this.#pin?.seq) this.#show(data.comment);
    }
  }

  /** @param {any} data of the event `state`, which begins a stream */
  #state({ settings, pinned, viewers }) {
    if (settings) this.#settings(settings);
    if (viewers) this.emit("viewers", (this.viewers = viewers));
    if (pinned !== undefined && pinned?.id !== this.pinned?.id) this.#show((this.#pin = pinned));
  }

  /** @param {any} entry */
  #settings({ id, type, video_id, seq, created_at, ...settings }) {
    this.settings = settings;
    this.emit("settings", settings);
  }

  /** @param {Comment | null} comment */
  #show(comment) {
    this.pinned = comment;
    this.emit("pinned", { comment });
  }
}
