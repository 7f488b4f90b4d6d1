"""httpx-sse. With `loop`: opened again, with the last id."""

import sys
import time

import httpx
from httpx_sse import connect_sse

url, *loop = sys.argv[1:]
headers = {}


def watch() -> None:
    with (
        httpx.Client() as client,
        connect_sse(client, "GET", url, headers=headers) as source,
    ):
        for event in source.iter_sse():
            event.json()  # of every event, as its README does: none may be without data
            if event.event == "comment":
                print(time.time_ns() // 1_000_000, event.data, flush=True)
            if event.id:
                headers["Last-Event-ID"] = event.id


if not loop:
    watch()
while loop:
    try:
        watch()
    except httpx.TransportError as exc:
        print(repr(exc), file=sys.stderr)
    time.sleep(1)
