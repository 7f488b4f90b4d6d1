/**
 * Reads Server-Sent Events as WHATWG HTML says (9.2.6), from bytes that come in pieces of any size.
 * It holds what is not complete, at most MAX_CHARS; an event that the end cuts off never comes out.
 */
export const MAX_CHARS = 4 * 1024 * 1024;

export class SseParser {
  #decoder = new TextDecoder(); // takes a byte order mark away, and keeps characters that are cut
  #rest = "";
  #afterCr = false; // the last piece ended with CR: an LF that follows belongs to it
  #event = { type: "", data: /** @type {string[]} */ ([]), chars: 0 };
  #id = "";
  /** What the server last asked for, in ms. @type {number | undefined} */
  retry;

  /** What is complete now. @param {Uint8Array} bytes @throws {RangeError} an event is too large */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return [];
    if (this.#afterCr && text[0] === "\n") text = text.slice(1);
    this.#afterCr = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? "";
    const events = lines.flatMap((line) => this.#line(line) ?? []);
    if (this.#event.chars + this.#rest.length > MAX_CHARS) throw new RangeError("an event is too large");
    return events;
  }

  /** @param {string} line */
  #line(line) {
    if (line === "") return this.#dispatch();
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") {
      this.#event.data.push(value);
      this.#event.chars += value.length + 1;
    } else if (name === "event") this.#event.type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
    return undefined; // also for comments, which have an empty name
  }

  #dispatch() {
    const { type, data } = this.#event;
    this.#event = { type: "", data: [], chars: 0 };
    return data.length ? { type: type || "message", data: data.join("\n"), id: this.#id } : undefined;
  }
}
