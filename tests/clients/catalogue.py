"""The clients, what is said of each in docs/clients.md, and how its program is run.

A program is given the stream's address; where its client is whole only if its user does something
for it, the program does that when it is given `loop` too.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

_ONCLOSE = "let `onclose` throw, and `onerror` return a pause"
_CONTINUE = "set `ErrorStrategy.alwaysContinue()`"
_UNDICI = "check whether it is closed, and open a new one"
_LOOP = "use a loop that opens it again with `Last-Event-ID`"
_R3LABS = f"{_LOOP}, and a `ReconnectStrategy` with `MaxElapsedTime` 0"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a client: the address and the mode are added to the command."""

    name: str
    command: list[str]
    mode: str
    secure: bool


@dataclass(frozen=True, slots=True)
class Client:
    """`must_set`: what its user must do so that it is whole; empty: nothing. `excuse`: why nothing
    helps; empty: it is whole, and `python -m tests.clients` fails if it is not. `secure`: over TLS,
    where a browser speaks HTTP/2.
    """

    name: str
    language: str
    program: str
    must_set: str = ""
    excuse: str = ""
    secure: bool = False

    def ways(self, built: Path) -> list[Way]:
        """As its README shows, and as its user must. `built`: where the installed programs are."""
        command = self._command(built)
        ways = [Way(self.name, command, "", self.secure)]
        if self.must_set:
            ways.append(Way(f"{self.name}, set", command, "loop", self.secure))
        return ways

    def _command(self, built: Path) -> list[str]:
        folder = built / self.language
        match self.language:
            case "python":
                name, _, source = self.program.partition("/")
                return [str(folder / name / "bin/python"), str(folder / f"{source}.py")]
            case "javascript":
                return ["node", str(folder / f"{self.program}.mjs")]
            case "browser":
                return [sys.executable, "-m", "tests.clients.chromium", self.program]
            case "go":
                return [str(folder / "bin" / self.program)]
            case "java":
                return ["java", "-cp", f"{folder}/classes:{folder}/lib/*", self.program]
            case "rust":
                return [str(folder / "target/debug" / self.program)]
        return ["bash", str(folder / f"{self.program}.sh")]


# A folder with an environment of its own for each set of Python packages.
PYTHON_PACKAGES = {
    "plain": (
        "requests==2.34.2", "sseclient-py==1.9.0", "httpx==0.28.1", "httpx-sse==0.4.3",
        "aiohttp-sse-client2==0.3.0",
    ),
    "btubbs": ("sseclient==0.0.27", "requests==2.34.2"),  # a module of the same name
}  # fmt: skip
CLIENTS = (
    Client("EventSource of Chromium", "browser", "native"),
    Client("event-source-polyfill 1.0.31", "browser", "polyfill"),
    Client("@microsoft/fetch-event-source 2.0.1", "browser", "fetch-event-source"),
    Client("EventSource of Chromium, HTTP/2", "browser", "native", secure=True),
    Client("event-source-polyfill 1.0.31, HTTP/2", "browser", "polyfill", secure=True),
    Client(
        "@microsoft/fetch-event-source 2.0.1, HTTP/2", "browser", "fetch-event-source", _ONCLOSE,
        secure=True,
    ),
    Client("eventsource 4.1.1", "javascript", "eventsource"),
    Client("eventsource 2.0.2", "javascript", "eventsource2"),
    Client("undici 6.29.1", "javascript", "undici", _UNDICI),
    Client("eventsource-client 1.2.0", "javascript", "eventsource-client"),
    Client("eventsource-parser 3.0.6, fetch", "javascript", "eventsource-parser", _LOOP),
    Client("requests 2.34.2, iter_lines", "python", "plain/requests_lines", _LOOP),
    Client("sseclient-py 1.9.0, requests", "python", "plain/sseclient_py", _LOOP),
    Client("sseclient 0.0.27", "python", "btubbs/sseclient_btubbs", _LOOP),
    Client("httpx-sse 0.4.3", "python", "plain/httpx_sse_sync", _LOOP),
    Client("httpx-sse 0.4.3, asyncio", "python", "plain/httpx_sse_async", _LOOP),
    Client("aiohttp-sse-client2 0.3.0", "python", "plain/aiohttp_sse_client2_events", _LOOP),
    Client("r3labs/sse 2.10.0", "go", "r3labs", _R3LABS),
    Client("tmaxmax/go-sse 0.12.0", "go", "tmaxmax"),
    Client("launchdarkly/eventsource 1.11.0", "go", "launchdarkly"),
    Client("r3labs/sse 2.10.0, HTTP/2", "go", "r3labs", _R3LABS, secure=True),
    Client("tmaxmax/go-sse 0.12.0, HTTP/2", "go", "tmaxmax", secure=True),
    Client("launchdarkly/eventsource 1.11.0, HTTP/2", "go", "launchdarkly", secure=True),
    Client("donovanhide/eventsource 2021-08", "go", "donovanhide"),
    Client("okhttp-sse 4.12.0", "java", "OkHttpSse", _LOOP),
    Client("okhttp-eventsource 4.1.1", "java", "LaunchDarkly", _CONTINUE),
    Client("java.net.http, lines", "java", "JavaNetHttp", _LOOP),
    Client("Spring WebClient 6.2.0", "java", "SpringWebClient", _LOOP),
    Client("reqwest-eventsource 0.6.0", "rust", "reqwest_eventsource"),
    Client("eventsource-client 0.18.0", "rust", "eventsource_client", "go on after an error"),
    Client("eventsource-stream 0.2.3, reqwest", "rust", "eventsource_stream", _LOOP),
    Client("curl -N", "shell", "curl", _LOOP),
)  # fmt: skip
