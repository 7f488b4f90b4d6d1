"use strict";
// dynalite as a server of a cluster: `node serve.js MODULES HOST PORT FOLDER`, MODULES being the
// folder that npm filled. It is a program of our own because dynalite's throws, and so ends, when a
// client is killed in the middle of a request.
const path = require("node:path");

const [modules, host, port, folder] = process.argv.slice(2);
const dynalite = require(path.join(modules, "dynalite"));

// Such a request has not reached the store: it is handed on only once it is whole.
const BROKEN = new Set(["ECONNRESET", "EPIPE"]);

process.on("uncaughtException", (error) => {
  if (BROKEN.has(error.code)) return;
  console.error(error);
  process.exit(1);
});

const server = dynalite({ path: folder });
// Node would end connections that are idle for 5 s, perhaps just when the next request comes.
server.keepAliveTimeout = 120_000;
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
server.listen(Number(port), host, () => console.log(`dynalite listens on ${host}:${port}`));
