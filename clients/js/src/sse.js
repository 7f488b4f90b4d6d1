/**
 * Reads Server-Sent Events as WHATWG HTML says (9.2.6), from bytes that come in pieces of any size.
 *
 * It holds what is not complete yet: at most MAX_CHARS characters. An event that the end of the
 * bytes cuts off is dropped, as it is never pushed out.
 */

/** @typedef {{type: string, data: string, id: string}} ServerEvent  id: the last one so far, "" if none */

export const MAX_CHARS = 4 * 1024 * 1024;

export class SseParser {
  #decoder = new TextDecoder(); // takes a byte order mark away, and keeps cut characters
  #rest = "";
  #afterReturn = false; // the last piece ended with CR: an LF that follows belongs to it
  #type = "";
  #id = "";
  /** @type {string[]} */
  #data = [];
  #chars = 0;
  /** What the server last asked for, in ms. @type {number | undefined} */
  retry;

  /**
   * @param {Uint8Array} bytes
   * @returns {ServerEvent[]} what is complete now
   * @throws {RangeError} an event is too large
   */
  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return [];
    if (this.#afterReturn && text[0] === "\n") text = text.slice(1);
    this.#afterReturn = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? "";
    const events = lines.flatMap((line) => this.#line(line) ?? []);
    if (this.#chars + this.#rest.length > MAX_CHARS) throw new RangeError("an event is too large");
    return events;
  }

  /** @param {string} line @returns {ServerEvent | undefined} */
  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") {
      this.#data.push(value);
      this.#chars += value.length + 1;
    } else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
    return undefined; // comments, which have an empty name, and unknown fields
  }

  #dispatch() {
    const [data, type] = [this.#data, this.#type];
    [this.#data, this.#type, this.#chars] = [[], "", 0];
    if (data.length === 0) return undefined;
    return { type: type || "message", data: data.join("\n"), id: this.#id };
  }
}
