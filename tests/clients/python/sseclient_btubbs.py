"""sseclient: connects again by itself. With `loop`: also when it could not."""

import sys
import time

import requests
from sseclient import SSEClient

url, *loop = sys.argv[1:]
last_id = None


def watch() -> None:
    global last_id
    for message in SSEClient(url, last_id=last_id):
        if message.event == "comment":
            print(time.time_ns() // 1_000_000, message.data, flush=True)
        last_id = message.id or last_id


if not loop:
    watch()
while loop:
    try:
        watch()
    except requests.RequestException as exc:
        print(exc, file=sys.stderr)
    time.sleep(1)
