"""requests: the lines of a response. With `loop`: opened again, with the last id."""

import sys
import time

import requests

url, *loop = sys.argv[1:]
headers = {}


def watch() -> None:
    with requests.get(url, stream=True, headers=headers) as reply:
        fields = {}
        for line in reply.iter_lines(decode_unicode=True):
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if fields.get("event") == "comment":
                print(time.time_ns() // 1_000_000, fields["data"], flush=True)
            if "id" in fields:
                headers["Last-Event-ID"] = fields["id"]
            fields = {}


if not loop:
    watch()
while loop:
    try:
        watch()
    except requests.RequestException as exc:
        print(exc, file=sys.stderr)
    time.sleep(1)
