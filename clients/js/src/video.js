/** One video: its events, its state, and what can be asked and said about it. See index.d.ts. */
import { Emitter } from "./emitter.js";
import { Log } from "./log.js";
import { moderationOf } from "./moderation.js";
import { isHidden, watchPage } from "./page.js";
import { post } from "./post.js";
import { Reading } from "./reading.js";
/** @import {Comment, Entry, MakeSource, NewComment, PageQuery, Problem, Settings, State, VideoEvents, VideoOptions, Viewers} from "./types.d.ts" */

const READ_WITHIN_MS = 10_000;
const HIDDEN_FOR_MS = 5_000; // whoever looks through tabs comes back

/** @extends {Emitter<VideoEvents>} */
export class Video extends Emitter {
  /** @type {State} */
  state = "closed";
  reason = "client";
  /** @type {Settings | null} */
  settings = null;
  /** @type {Comment | null} */
  pinned = null;
  /** @type {Viewers | null} */
  viewers = null;
  #http;
  #options;
  #makeSource;
  #log;
  /** @type {Reading | undefined} */
  #reading;
  /** What is pinned, also while it is removed. @type {Comment | null} */
  #pin = null;
  #wasLive = false;
  /** @type {string | undefined} */
  #told;
  /** @type {(() => void) | undefined} */
  #unwatch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;

  /** @param {import("./http.js").Http} http @param {string} id @param {VideoOptions} options @param {MakeSource} makeSource */
  constructor(http, id, options, makeSource) {
    super();
    this.id = id;
    this.#http = http;
    this.#options = options;
    this.#makeSource = makeSource;
    this.#log = new Log(options.cursor);
    this.moderation = moderationOf(http);
  }

  get cursor() {
    return this.#log.cursor;
  }

  open() {
    if (this.#unwatch) return;
    const woke = () => this.#reading?.poke();
    this.#unwatch = watchPage(woke, (isHidden) => this.#hidden(isHidden));
    if (this.#options.pauseWhenHidden && isHidden()) this.#set("closed", "hidden");
    else this.#read("");
  }

  close() {
    this.#end("client");
  }

  /** @param {{signal?: AbortSignal}} [options] */
  async me({ signal } = {}) {
    return (await this.#http.call("GET", "/me", { signal, withinMs: READ_WITHIN_MS })).body;
  }

  /** @param {NewComment} comment @param {{signal?: AbortSignal}} [options] */
  post(comment, options) {
    return post(this.#http, comment, options);
  }

  /** @param {PageQuery} [query] */
  history(query) {
    return this.#page("comments", query);
  }

  /** @param {PageQuery} [query] */
  entries(query) {
    return this.#page("entries", query);
  }

  /** @param {string} what @param {PageQuery} [query] */
  async #page(what, { signal, ...query } = {}) {
    const call = { query, reads: true, signal, withinMs: READ_WITHIN_MS };
    return (await this.#http.call("GET", `/${what}`, call)).body;
  }

  /** @param {string} reason */
  #read(reason) {
    const reading = new Reading(this.#http, this.#log, this.#makeSource, {
      tell: (type, data, source) => this.#tell(type, data, source),
      gap: (gap) => this.emit("gap", gap),
      reset: (reason) => this.#reset(reason),
      live: () => this.#live(),
      lost: (reason) => this.#away(reason),
      refused: (problem) => this.#refused(problem),
      moved: () => this.#moved(),
      state: () => ({ settings: this.settings, pinned: this.pinned, viewers: this.viewers }),
    });
    this.#reading = reading;
    this.#away(reason);
    // A listener may have closed it.
    if (this.#reading === reading) void reading.start(this.#options.history ?? 0);
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

  /** @param {string} reason */
  #away(reason) {
    this.#set(this.#wasLive ? "recovering" : "connecting", reason);
  }

  #live() {
    this.#wasLive = true;
    this.#set("live", "");
  }

  /** @param {Problem} problem */
  #refused(problem) {
    this.#end(problem.code);
    this.emit("problem", problem);
  }

  #moved() {
    const { cursor } = this;
    if (cursor === undefined || cursor === this.#told) return;
    this.#told = cursor;
    this.emit("cursor", { cursor });
  }

  /** @param {string} reason */
  #reset(reason) {
    this.settings = this.viewers = this.pinned = this.#pin = null;
    this.emit("reset", { reason });
  }

  /** @param {string} type @param {any} data @param {"stream" | "history"} source */
  #tell(type, data, source) {
    if (type === "comment") this.emit(type, data, { source, seq: data.seq, id: data.id });
    else if (type === "settings") this.#rule(data);
    else if (type === "pinned") this.#show((this.#pin = data.comment));
    else if (type === "viewers") this.emit(type, (this.viewers = data));
    else if (type === "sanctioned") this.emit(type, data);
    else if (type === "state") {
      if (data.settings) this.#rule(data.settings);
      if (data.viewers) this.emit("viewers", (this.viewers = data.viewers));
      if (data.pinned !== undefined) this.#show((this.#pin = data.pinned));
    } else if (type === "removed") {
      this.emit(type, data);
      if (data.targets.includes(this.pinned?.seq)) this.#show(null);
    } else if (type === "restored") {
      this.emit(type, data);
      if (data.comment.seq === this.#pin?.seq) this.#show(data.comment);
    }
  }

  /** @param {any} entry */
  #rule({ id, type, video_id, seq, created_at, ...settings }) {
    this.settings = settings;
    this.emit("settings", settings);
  }

  /** @param {Comment | null} comment */
  #show(comment) {
    if (comment?.id === this.pinned?.id) return;
    this.pinned = comment;
    this.emit("pinned", { comment });
  }
}
