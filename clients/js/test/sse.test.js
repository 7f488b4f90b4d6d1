/** The parser of Server-Sent Events, by the rules of WHATWG HTML 9.2.5 and 9.2.6. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_CHARS, SseParser } from "../src/sse.js";

const encoder = new TextEncoder();
const event = (data, type = "message", id = "") => ({ type, data, id });

/** What comes of bytes that arrive in these pieces. */
function parse(...pieces) {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(typeof piece === "string" ? encoder.encode(piece) : piece));
}

const CASES = {
  "a plain event": ["data: x\n\n", [event("x")]],
  "type and id": ["event: comment\nid: a-1\ndata: {}\n\n", [event("{}", "comment", "a-1")]],
  "lines of data are joined": ["data: a\ndata: b\n\n", [event("a\nb")]],
  "one space after the colon is taken away, not two": ["data:  x\n\ndata:y\n\n", [event(" x"), event("y")]],
  "carriage returns": ["data: x\r\rdata: y\r\r", [event("x"), event("y")]],
  "CRLF": ["event: t\r\ndata: x\r\n\r\ndata: y\r\n\r\n", [event("x", "t"), event("y")]],
  "line ends of all kinds": ["data: a\rdata: b\ndata: c\r\n\r\n", [event("a\nb\nc")]],
  "a byte order mark at the start": ["\uFEFFdata: x\n\n", [event("x")]],
  "a byte order mark elsewhere is a character": ["data: \uFEFFx\n\n\uFEFFdata: y\n\n", [event("\uFEFFx")]],
  "comments": [": hb\n\n:\ndata: x\n:data: y\n\n", [event("x")]],
  "an event without data is none, but its id counts": ["id: 7\n\ndata: x\n\n", [event("x", "message", "7")]],
  "its type does not": ["event: t\n\ndata: x\n\n", [event("x")]],
  "empty data is data": ["data\n\ndata:\n\n", [event(""), event("")]],
  "an id stays": ["id: 1\ndata: x\n\ndata: y\n\nid\ndata: z\n\n", [event("x", "message", "1"), event("y", "message", "1"), event("z")]],
  "an id with NUL is none": ["id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n", [event("x", "message", "1"), event("y", "message", "1")]],
  "unknown fields, and fields in other letters": ["Data: a\ndatax: b\nfoo\ndata: x\n\n", [event("x")]],
  "what the end cuts off is dropped": ["data: x\n\ndata: y\n", [event("x")]],
  "separators of Unicode end no line": ["data: a\u2028b\u2029c\u0085d\vf\f\n\n", [event("a\u2028b\u2029c\u0085d\vf\f")]],
  "characters of all lengths": ["data: ä€👩‍👩‍👧 e\u0301 שלום\n\n", [event("ä€👩‍👩‍👧 e\u0301 שלום")]],
  "a colon in the value": ["data: a: b:c\n\n", [event("a: b:c")]],
};

for (const [name, [text, expected]] of Object.entries(CASES)) {
  test(name, () => {
    assert.deepEqual(parse(text), expected);
  });

  test(`${name}, cut anywhere`, () => {
    const bytes = encoder.encode(text);
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(parse(bytes.slice(0, at), bytes.slice(at)), expected, `at ${at}`);
    }
    assert.deepEqual(parse(...Array.from(bytes, (byte) => Uint8Array.of(byte))), expected, "byte by byte");
  });
}

test("bytes that are no UTF-8 are replaced", () => {
  const bytes = Uint8Array.of(...encoder.encode("data: "), 0xff, 0xc3, 0x0a, 0x0a);
  assert.deepEqual(parse(bytes), [event("\uFFFD\uFFFD")]);
});

test("retry is kept if it is a number", () => {
  const parser = new SseParser();
  parser.push(encoder.encode("retry: 1500\n"));
  parser.push(encoder.encode("retry: 2s\nretry: -1\nretry:\nretry: 1.5\n\n"));
  assert.equal(parser.retry, 1500);
});

test("an event that does not end is not kept for ever", () => {
  for (const line of ["data: ", "x"]) {
    const parser = new SseParser();
    const piece = encoder.encode(`${line}${"y".repeat(1024 * 1024)}${line === "x" ? "" : "\n"}`);
    assert.throws(() => {
      for (let size = 0; size <= MAX_CHARS; size += piece.length) parser.push(piece);
    }, RangeError);
  }
});
