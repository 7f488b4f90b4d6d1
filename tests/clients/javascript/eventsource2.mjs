// eventsource 2, over Node's http.
import EventSource from "eventsource2";

const source = new EventSource(process.argv[2]);
source.addEventListener("comment", (event) => console.log(Date.now(), event.data));
