/** Where it begins: one gateway, and the videos on it. See index.d.ts. */
import { Http } from "./http.js";
import { Stream } from "./stream.js";
import { SharedStream, canShare } from "./tabs.js";
import { Tickets } from "./tickets.js";
import { Token } from "./token.js";
import { Video } from "./video.js";
/** @import {MakeSource, Options, VideoOptions} from "./types.d.ts" */

const VIDEO_ID = /^[A-Za-z0-9_-]{1,64}$/;
const REPLAY = 50;
const MOST_REPLAY = 200; // the server's own bound
const MOST_HISTORY = 1_000; // kept until the oldest is here

export class LiveComments {
  #base;
  #token;
  #fetch;
  #shares;

  /** @param {Options} [options] */
  constructor({ url = globalThis.location?.origin, getToken, shareTabs = true, fetch } = {}) {
    if (!url) throw new TypeError("url is needed outside of pages");
    // A browser's fetch works only as a method of the global object.
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#base = `${new URL(url).href.replace(/\/+$/, "")}/v1/videos/`;
    this.#token = new Token(getToken);
    this.#shares = shareTabs && canShare();
  }

  /** @param {string} id @param {VideoOptions} [options] */
  video(id, options = {}) {
    if (!VIDEO_ID.test(id)) throw new TypeError(`no video id: ${id}`);
    const { replay = REPLAY, history = 0 } = options;
    check("replay", replay, MOST_REPLAY);
    check("history", history, MOST_HISTORY);
    const http = new Http(this.#base + id, this.#token, this.#fetch);
    const tickets = new Tickets(http);
    /** @type {MakeSource} */
    const alone = (reader) => new Stream(http, tickets, replay, reader);
    /** @type {MakeSource} */
    const shared = (reader) => new SharedStream(`livecomments ${http.base}`, replay, reader, alone);
    return new Video(http, id, options, this.#shares ? shared : alone);
  }
}

/** @param {string} name @param {number} value @param {number} most @throws {RangeError} */
function check(name, value, most) {
  const isGood = Number.isInteger(value) && value >= 0 && value <= most;
  if (!isGood) throw new RangeError(`${name} is a whole number from 0 to ${most}`);
}
