/** A video that tells what a test says, and a gateway that answers as a test says. */
import { createServer } from "node:http";
import { Emitter } from "../src/emitter.js";

export const EPOCH = "aaaaaaaaaaaa";

export function comment(seq, more = {}) {
  return { id: `${EPOCH}-${seq}`, video_id: "v", seq, author: "ann", text: `text ${seq}`, created_at: "", ...more };
}

/** For a list: `told` is what the stream brings, and moves the cursor as the real one does. */
export class FakeVideo extends Emitter {
  id = "v";
  cursor = `${EPOCH}-0`;
  asked = [];

  told(name, data, seq = data.seq) {
    this.cursor = `${EPOCH}-${seq}`;
    this.emit(name, data, { source: "stream", seq, id: this.cursor });
  }

  comments(...seqs) {
    for (const seq of seqs) this.told("comment", comment(seq));
  }

  removed(seq, ...targets) {
    this.told("removed", { type: "removed", seq, targets, by: "moderator" });
  }

  /** Answered by the test: `video.asked[0].answer(...)`. */
  post(sent) {
    return this.#ask({ sent });
  }

  history(query) {
    return this.#ask({ query });
  }

  #ask(what) {
    return new Promise((answer, refuse) => this.asked.push({ ...what, answer, refuse }));
  }
}

/**
 * A real server on a free port. `answers` are called one after the other, each for one request, with
 * it and its reply; the last one for all that follow.
 */
export async function gateway(...answers) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    let body = "";
    for await (const piece of request) body += piece;
    requests.push({ method, url, headers, body: body && JSON.parse(body) });
    await answers[Math.min(requests.length, answers.length) - 1](response, requests.at(-1));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, requests, close };
}

export const json = (status, body, headers = {}) => (response) => {
  const kind = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "Content-Type": kind, ...headers }).end(JSON.stringify(body));
};

export const problem = (status, code, headers) => json(status, { title: code, status, code }, headers);

/** A stream of these texts that stays open, unless `end` says how it ends. */
export const stream = (texts, end) => (response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
  for (const text of texts) response.write(text);
  if (end === "cut") response.socket.end();
  else if (end === "whole") response.end();
};

export const frame = (type, id, data) => `${id && `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

export const hello = (seq, head, retry = 10) =>
  `retry: ${retry}\n${frame("hello", `${EPOCH}-${seq}`, { epoch: EPOCH, head: `${EPOCH}-${head}` })}`;

export const entries = (...seqs) => seqs.map((seq) => frame("comment", `${EPOCH}-${seq}`, comment(seq))).join("");

/** The arguments of the next event for which `wanted` is true. */
export function next(emitter, name, wanted = () => true) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no such event ${name}`)), 30_000);
    emitter.on(name, function listener(...args) {
      if (!wanted(...args)) return;
      emitter.off(name, listener);
      clearTimeout(late);
      resolve(args);
    });
  });
}

/** A clock that leaps when the test says so, as it does for a page that was frozen. */
export function leaping(t) {
  const real = performance.now.bind(performance);
  let leaptMs = 0;
  t.mock.method(performance, "now", () => real() + leaptMs);
  return (ms) => (leaptMs += ms);
}
