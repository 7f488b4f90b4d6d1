"""What a video without moderation pays for it: posts to a process of this tree beside one of the
last revision that knew neither tokens nor removals, and beside a process of this tree whose videos
have rules.

Each is `python -m single` as a person runs it, on the same core, with nobody watching, and gets the
same posts in turn. AUTH is off: who posts has no token. The rules are 100 words that are looked
for, no links, and a ban of somebody else.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from bench import poster
from bench.accept import Cost
from bench.child import BenchFailed, Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured
from bench.processes import cpu_s_of
from bench.revision import OLD_REVISION, Tree, unpacked, why_missing, working_tree
from bench.tree_cluster import variables
from cluster.issuer import DevelopmentIssuer, identity_variables
from cluster.ports import free_ports

# The last revision that had neither tokens nor removals.
BEFORE = "f02bdff"
_CONNECTIONS = 64
_RUN_S = 2.0
_READY_WITHIN_S = 20.0
_VIDEOS = {"one hot video": 1, "1,000 videos": 1_000}
_RATE_TARGET, _CPU_TARGET = 0.95, 1.05
_OURS, _OLD, _RULED = "ours", "old", "with rules"
_LIFE_S = 3600


class SingleServer:
    """`with SingleServer(tree, folder) as server`: a process of that tree, pinned to a core. own:
    variables besides those that it needs. Methods raise BenchFailed.
    """

    def __init__(self, tree: Tree, folder: Path, core: int, own: Mapping[str, str]) -> None:
        self.port, ops = free_ports(2)
        settings = {"public_port": self.port, "ops_port": ops, "log_level": "warning"}
        settings |= {"sqlite_path": folder / "comments.sqlite3"}
        self._tree, self._core, self._log = tree, core, folder / "single.log"
        self._environment = variables(settings, os.environ) | dict(own)

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(self._tree.python), "-m", "single"],
                cwd=self._tree.path,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        os.sched_setaffinity(self._process.pid, {self._core})
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.kill()
        self._process.wait()

    def load(self, posting: Child, videos: int, for_s: float) -> Cost:
        """Posts over so many videos."""
        before = cpu_s_of(self._process.pid)
        posted: poster.Posted = posting.ask("post", [self.port], videos, _CONNECTIONS, for_s)
        cpu_us = (cpu_s_of(self._process.pid) - before) / posted.count * 1e6
        return Cost(posted.count / posted.took_s, cpu_us)

    def call(self, method: str, path: str, body: object = None, token: str = "") -> None:
        """A request that must be answered well."""
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_READY_WITHIN_S):
                pass
        except (OSError, urllib.error.HTTPError) as exc:
            raise BenchFailed(f"{self._tree.name}: {method} {path}: {exc}") from exc

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                self.call("GET", "/v1/videos/video-0/comments")
            except BenchFailed as exc:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(errors="replace")[-1000:]
                    raise BenchFailed(f"{exc}: {said}") from exc
                time.sleep(0.05)
            else:
                return


@dataclass(frozen=True, slots=True)
class _Sides:
    servers: Mapping[str, SingleServer]
    old_name: str


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    for_s = effort.choose(_RUN_S, 0.3)
    with ExitStack() as stack:
        sides = _open(stack, effort)
        posting = stack.enter_context(Child(poster.run, cores()[1]))
        costs: dict[tuple[str, str], list[Cost]] = {}
        for number in range(effort.repeats + 1):
            turns = [(name, side) for name in _VIDEOS for side in sides.servers]
            for name, side in random.sample(turns, len(turns)):
                cost = sides.servers[side].load(posting, _VIDEOS[name], for_s)
                if number:  # the first time caches fill up, tables grow
                    costs.setdefault((name, side), []).append(cost)
    for name in _VIDEOS:
        yield from _rows(name, {side: costs[name, side] for side in sides.servers}, sides.old_name)


def _open(stack: ExitStack, effort: Effort) -> _Sides:
    core = cores()[0]
    ours = stack.enter_context(unpacked(effort.ours)) if effort.ours else working_tree()
    revision = BEFORE if effort.peer == OLD_REVISION else effort.peer
    old = None
    if revision and not why_missing(revision):
        old = stack.enter_context(unpacked(revision))

    def server(tree: Tree, own: Mapping[str, str]) -> SingleServer:
        return stack.enter_context(SingleServer(tree, _folder(stack), core, own))

    servers = {_OURS: server(ours, {})}
    if old is not None:
        servers[_OLD] = server(old, {})
    issuer_folder = _folder(stack)
    issuer = DevelopmentIssuer.load_or_create(issuer_folder)
    servers[_RULED] = server(ours, identity_variables(issuer_folder, {}))
    token = issuer.token({"sub": "mia"}, {"*": ["admin"]}, _LIFE_S)
    for number in range(max(_VIDEOS.values()) if not effort.quick else 1):
        _rule(servers[_RULED], f"/v1/videos/video-{number}", token)
    return _Sides(servers, old.name if old is not None else "")


def _rule(server: SingleServer, video: str, token: str) -> None:
    terms = [{"term": f"unheard{number}", "action": "block"} for number in range(100)]
    server.call("PATCH", f"{video}/settings", {"links": False}, token)
    server.call("PUT", f"{video}/filters", {"terms": terms}, token)
    server.call("PUT", f"{video}/sanctions/u_{'x' * 22}", {}, token)


def _folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(TemporaryDirectory(prefix="livecomments-bench-")))


def _rows(what: str, costs: Mapping[str, list[Cost]], old_name: str) -> Iterator[Row]:
    peer = [(_OURS, _OLD, old_name, True)] if _OLD in costs else [(_OURS, "", "", False)]
    for side, beside, name, judged in [*peer, (_RULED, _OURS, "without rules", False)]:
        about = f"{what}, {'no moderation' if side == _OURS else 'with rules'}"
        mine, theirs = costs[side], costs.get(beside, [])
        yield Row(
            f"posts accepted, {about}",
            _measured(mine, "per_s", "/s"),
            peer=Beside(name, _measured(theirs, "per_s", "/s")) if theirs else None,
            target=Target(_RATE_TARGET, "times", at_least=True, on=On.PEER) if judged else None,
        )
        yield Row(
            f"CPU per post, {about}",
            _measured(mine, "cpu_us", "us"),
            peer=Beside(name, _measured(theirs, "cpu_us", "us")) if theirs else None,
            target=Target(_CPU_TARGET, "times", on=On.PEER) if judged else None,
        )


def _measured(costs: list[Cost], figure: str, unit: str) -> Any:
    return measured([getattr(cost, figure) for cost in costs], unit, 0)
