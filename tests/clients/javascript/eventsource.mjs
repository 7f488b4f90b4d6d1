// eventsource 4, for Node and other runtimes.
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
source.addEventListener("comment", (event) => console.log(Date.now(), event.data));
