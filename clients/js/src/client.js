/** Where it begins: one gateway, and the videos on it. See index.d.ts. */
import { Http } from "./http.js";
import { Stream } from "./stream.js";
import { SharedStream, canShare } from "./tabs.js";
import { Tickets } from "./tickets.js";
import { Video } from "./video.js";
/** @import {MakeSource, Options, VideoOptions} from "./types.d.ts" */

const VIDEO_ID = /^[A-Za-z0-9_-]{1,64}$/;
const REPLAY = 50;

export class LiveComments {
  #http;
  #shares;

  /** @param {Options} [options] */
  constructor({ url = globalThis.location?.origin, getToken, shareTabs = true, fetch } = {}) {
    if (!url) throw new TypeError("url is needed outside of pages");
    // A browser's fetch works only as a method of the global object.
    this.#http = new Http(url, getToken, fetch ?? ((input, init) => globalThis.fetch(input, init)));
    this.#shares = shareTabs && canShare();
  }

  /** @param {string} id @param {VideoOptions} [options] */
  video(id, options = {}) {
    if (!VIDEO_ID.test(id)) throw new TypeError(`no video id: ${id}`);
    const { replay = REPLAY } = options;
    const http = this.#http;
    const path = `/v1/videos/${id}`;
    const tickets = new Tickets(http, path);
    /** @type {MakeSource} */
    const alone = (reader) => new Stream(http, path, tickets, replay, reader);
    const name = `livecomments ${http.url(path)}`;
    /** @type {MakeSource} */
    const shared = (reader) => new SharedStream(name, replay, reader, alone);
    return new Video(http, id, options, this.#shares ? shared : alone);
  }
}
