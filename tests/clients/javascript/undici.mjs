// undici, of which Node's own fetch and EventSource are made. With `loop`: a new one when it has
// given up, and something that keeps the process alive, which its own pause does not.
import { EventSource } from "undici";

const [url, loop] = process.argv.slice(2);
let lastId = "";

function open() {
  const source = new EventSource(`${url}?last_event_id=${lastId}`);
  source.addEventListener("comment", (event) => {
    console.log(Date.now(), event.data);
    lastId = event.lastEventId;
  });
  source.addEventListener("error", () => {
    if (loop && source.readyState === EventSource.CLOSED) setTimeout(open, 1000);
  });
}

open();
if (loop) setInterval(() => {}, 1000);
