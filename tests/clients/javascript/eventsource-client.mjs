// eventsource-client: an iterator that connects again by itself.
import { createEventSource } from "eventsource-client";

for await (const { data, event } of createEventSource({ url: process.argv[2] })) {
  if (event === "comment") console.log(Date.now(), data);
}
