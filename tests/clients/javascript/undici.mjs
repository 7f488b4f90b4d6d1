// undici, of which Node's own fetch and EventSource are made. With `loop`: a new one when it has
// given up; the timer also keeps the process alive, which its own pause does not.
import { EventSource } from "undici";

const [url, loop] = process.argv.slice(2);
let lastId = "";

function open() {
  const source = new EventSource(`${url}?last_event_id=${lastId}`);
  source.addEventListener("comment", (event) => {
    console.log(Date.now(), event.data);
    lastId = event.lastEventId;
  });
  if (!loop) return;
  const looking = setInterval(() => {
    if (source.readyState !== EventSource.CLOSED) return; // no event tells of it
    clearInterval(looking);
    open();
  }, 1000);
}

open();
