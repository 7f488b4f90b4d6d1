/** Events. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Emitter } from "../src/emitter.js";

test("on, once and off", () => {
  const emitter = new Emitter();
  const heard = [];
  const listener = (...args) => heard.push(args);
  emitter.on("a", listener).once("a", (value) => heard.push(["once", value]));
  emitter.emit("a", 1, 2);
  emitter.emit("a", 3);
  emitter.off("a", listener).emit("a", 4);
  assert.deepEqual(heard, [[1, 2], ["once", 1], [3]]);
  emitter.on("b", listener).off("b").emit("b", 5);
  assert.equal(heard.length, 3);
});

test("once does not take away what listens on", () => {
  const emitter = new Emitter();
  const heard = [];
  const listener = (value) => heard.push(value);
  emitter.on("a", listener).once("a", listener);
  emitter.emit("a", 1);
  emitter.emit("a", 2);
  assert.deepEqual(heard, [1, 2]);
});

test("a listener that is added or removed meanwhile counts from the next event on", () => {
  const emitter = new Emitter();
  const heard = [];
  emitter.on("a", () => emitter.on("a", () => heard.push("late")));
  emitter.emit("a");
  assert.deepEqual(heard, []);
});

test("a listener's mistake does not keep the others from hearing, and is not hidden", () => {
  const program = `
    import { Emitter } from "${new URL("../src/emitter.js", import.meta.url)}";
    const emitter = new Emitter();
    emitter.on("a", () => { throw new Error("a mistake"); });
    emitter.on("a", () => console.log("others"));
    emitter.emit("a");`;
  const node = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.deepEqual([node.stdout, node.status], ["others\n", 1]);
  assert.match(node.stderr, /a mistake/);
});
