"""Run by `helm test` in the cluster: posts a comment through the gateway, and sees it on a stream.

Where posts or reads need a token and there is none, it asks whether they are refused. Exit status 1
if something is not as it should be. The standard library alone.
"""

import http.client
import json
import os
import ssl
import sys
import uuid

VIDEO = f"/v1/videos/helm-test-{uuid.uuid4().hex[:12]}"
TOKEN = os.environ.get("TOKEN", "")
MAY_POST = bool(TOKEN) or os.environ["AUTH"] == "open" or os.environ["GUESTS"] == "yes"
MAY_READ = bool(TOKEN) or os.environ["READ_AUTH"] == "open"
# Whether browsers trust the certificate is not asked here: its names are public ones.
TLS = ssl._create_unverified_context()  # noqa: S323


def call(method, path, body=None):
    """The response, of which nothing has been read yet."""
    host, port = os.environ["GATEWAY"], int(os.environ["HTTPS_PORT"])
    connection = http.client.HTTPSConnection(host, port, timeout=20, context=TLS)
    headers = {"Content-Type": "application/json"}
    if TOKEN and not path.partition("?")[0].endswith("/stream"):
        headers["Authorization"] = f"Bearer {TOKEN}"
    connection.request(method, path, body and json.dumps(body), headers)
    return connection.getresponse()


def expect(what, found, wanted):
    """Prints it, and ends with 1 unless it is so."""
    print(f"{what}: {found}", flush=True)
    if found not in wanted:
        sys.exit(f"expected {' or '.join(map(str, wanted))}")


def comments(stream):
    """Comments, as the stream shows them; ends with the stream."""
    kind = ""
    for line in stream:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            kind = value
        elif field == "data" and kind == "comment":
            yield json.loads(value)


def open_stream():
    """The stream of the video, with a ticket where one is needed."""
    query = ""
    if os.environ["READ_AUTH"] == "required" and TOKEN:
        tickets = call("POST", f"{VIDEO}/tickets", {})
        expect("ticket", tickets.status, (200,))
        query = f"?ticket={json.loads(tickets.read())['ticket']}"
    return call("GET", f"{VIDEO}/stream{query}")


def main():
    """Everything, in its order."""
    stream = open_stream()
    if not MAY_READ:
        expect("a stream without a ticket", stream.status, (401,))
    else:
        expect("stream", stream.status, (200,))
    posted = call("POST", f"{VIDEO}/comments", {"text": "helm test", **author()})
    if not MAY_POST:
        expect("a post without a token", posted.status, (401,))
        return
    expect("post", posted.status, (201,))
    comment = json.loads(posted.read())
    if MAY_READ:
        seen = next(shown for shown in comments(stream) if shown["seq"] == comment["seq"])
        expect("seen", seen["text"], ("helm test",))
        history = call("GET", f"{VIDEO}/comments")
        expect("history", history.status, (200,))


def author():
    """With a token, the name in it."""
    return {} if TOKEN else {"author": "helm"}


main()
