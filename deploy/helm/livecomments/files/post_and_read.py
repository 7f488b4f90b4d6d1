"""Run by `helm test` in the cluster: posts a comment through the gateway, and sees it on a stream.

Where posts or reads need a token and there is none, it asks whether they are refused. Exit status 1
if something is not as it should be. The standard library alone.
"""

import http.client
import json
import os
import ssl
import sys
import time
import uuid

VIDEO = f"/v1/videos/helm-test-{uuid.uuid4().hex[:12]}"
TOKEN = os.environ.get("TOKEN", "")
MAY_POST = bool(TOKEN) or os.environ["AUTH"] == "open" or os.environ["GUESTS"] == "yes"
MAY_READ = bool(TOKEN) or os.environ["READ_AUTH"] == "open"
GIVE_UP_AT = time.monotonic() + 90
# Whether browsers trust the certificate is not asked here: its names are public ones.
TLS = ssl._create_unverified_context()  # noqa: S323


def call(method, path, body=None, **headers):
    """The response, of which nothing has been read yet; tried again while nobody is there."""
    while True:
        try:
            response = ask(method, path, body, headers)
            if response.status not in (502, 503, 504):
                return response
            print(f"{method} {path}: {response.status}, once more", flush=True)
        except OSError as exc:
            print(f"{method} {path}: {exc}, once more", flush=True)
        if time.monotonic() > GIVE_UP_AT:
            sys.exit("nobody answers")
        time.sleep(1)


def ask(method, path, body, headers):
    """One request. Raises OSError."""
    host, port = os.environ["GATEWAY"], int(os.environ["HTTPS_PORT"])
    connection = http.client.HTTPSConnection(host, port, timeout=20, context=TLS)
    headers = {"Content-Type": "application/json", **headers}
    if TOKEN and not path.partition("?")[0].endswith("/stream"):
        headers["Authorization"] = f"Bearer {TOKEN}"
    connection.request(method, path, body and json.dumps(body), headers)
    return connection.getresponse()


def expect(what, found, wanted):
    """Prints it, and ends with 1 unless it is so."""
    print(f"{what}: {found}", flush=True)
    if found != wanted:
        sys.exit(f"expected {wanted}")


def open_stream():
    """The stream of the video from its beginning, with a ticket where one is needed."""
    query = ""
    if os.environ["READ_AUTH"] == "required" and TOKEN:
        tickets = call("POST", f"{VIDEO}/tickets", {})
        expect("ticket", tickets.status, 200)
        query = f"?ticket={json.loads(tickets.read())['ticket']}"
    return call("GET", f"{VIDEO}/stream{query}")


def comments(stream):
    """Comments, as the stream shows them; ends with the stream."""
    kind = ""
    for line in stream:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            kind = value
        elif field == "data" and kind == "comment":
            yield json.loads(value)


def shown(stream, seq):
    """The comment with this number, on this stream or on one that replays it."""
    while time.monotonic() < GIVE_UP_AT:
        try:
            for comment in comments(stream):
                if comment["seq"] == seq:
                    return comment
        except (OSError, http.client.HTTPException) as exc:
            print(f"stream: {exc}", flush=True)
        print("stream: ended, once more", flush=True)
        time.sleep(1)
        stream = open_stream()
    return sys.exit("the comment is not shown")


def main():
    """Everything, in its order."""
    stream = open_stream()
    if MAY_READ:
        expect("stream", stream.status, 200)
    else:
        expect("a stream without a ticket", stream.status, 401)
    body = {"text": "helm test"} if TOKEN else {"text": "helm test", "author": "helm"}
    posted = call("POST", f"{VIDEO}/comments", body, **{"Idempotency-Key": uuid.uuid4().hex})
    if not MAY_POST:
        expect("a post without a token", posted.status, 401)
        return
    expect("post", posted.status // 100, 2)  # 200 if it was stored by a call that had no answer
    if MAY_READ:
        seen = shown(stream, json.loads(posted.read())["seq"])
        expect("seen", seen["text"], "helm test")
        expect("history", call("GET", f"{VIDEO}/comments").status, 200)


main()
