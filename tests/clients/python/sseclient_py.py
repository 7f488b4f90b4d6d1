"""sseclient-py over requests. With `loop`: opened again, with the last id."""

import sys
import time

import requests
import sseclient

url, *loop = sys.argv[1:]
headers = {"Accept": "text/event-stream"}


def watch() -> None:
    reply = requests.get(url, stream=True, headers=headers)
    for event in sseclient.SSEClient(reply).events():
        if event.event == "comment":
            print(time.time_ns() // 1_000_000, event.data, flush=True)
        if event.id:
            headers["Last-Event-ID"] = event.id


if not loop:
    watch()
while loop:
    try:
        watch()
    except requests.RequestException as exc:
        print(exc, file=sys.stderr)
    time.sleep(1)
