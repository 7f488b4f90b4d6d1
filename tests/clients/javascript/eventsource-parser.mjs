// eventsource-parser over Node's fetch. With `loop`: opened again, with the last id.
import { EventSourceParserStream } from "eventsource-parser/stream";

const [url, loop] = process.argv.slice(2);
const headers = {};

async function watch() {
  const reply = await fetch(url, { headers });
  const events = reply.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data, event, id } of events) {
    if (event === "comment") console.log(Date.now(), data);
    if (id) headers["Last-Event-ID"] = id;
  }
}

if (!loop) await watch();
while (loop) {
  await watch().catch((error) => console.error(error));
  await new Promise((wake) => setTimeout(wake, 1000));
}
