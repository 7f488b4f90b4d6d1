/** Where it begins: one gateway, and the videos on it. */
import { Http } from "./http.js";
import { Stream } from "./stream.js";
import { Tickets } from "./tickets.js";
import { Video } from "./video.js";

const VIDEO_ID = /^[A-Za-z0-9_-]{1,64}$/;
const REPLAY = 50;

export class LiveComments {
  #http;

  /** @param {import("../index.d.ts").Options} [options] */
  constructor({ url = globalThis.location?.origin, getToken, fetch } = {}) {
    if (!url) throw new TypeError("url: the gateway's origin is needed outside of pages");
    // A browser's fetch works only as a method of the global object.
    this.#http = new Http(url, getToken, fetch ?? ((input, init) => globalThis.fetch(input, init)));
  }

  /**
   * A video, still closed. Each call makes another one.
   *
   * @param {string} id
   * @param {import("../index.d.ts").VideoOptions} [options]
   */
  video(id, options = {}) {
    if (!VIDEO_ID.test(id)) throw new TypeError(`no video id: ${id}`);
    const path = `/v1/videos/${id}`;
    const tickets = new Tickets(this.#http, path);
    const { replay = REPLAY } = options;
    const http = this.#http;
    return new Video(http, id, options, (reader) => new Stream(http, path, tickets, replay, reader));
  }
}
