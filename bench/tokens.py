"""What a token costs a post: the same writer, the same posts, with and without, in turn.

Many people post to one hot video, where a post is cheapest. Each token is used again and again, as
by a person who stays for an hour, so its signature was checked before: that is what a post with a
token costs nearly always. The first post with a token costs a signature more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import poster, writer_server
from bench.accept import Servers
from bench.child import BenchFailed, Child, cores
from bench.effort import Effort
from bench.figures import Beside, Finding, On, Row, Target, measured
from cluster.issuer import DevelopmentIssuer

_RUN_S = 2.0
_PEOPLE = 1_000
_LIFE_S = 3600
_WITH, _WITHOUT = "with a token", "without"
_TARGET = 1.15


def measure(effort: Effort) -> Iterator[Finding]:
    """The row of this benchmark. Raises BenchFailed."""
    for_s = effort.choose(_RUN_S, 0.3)
    costs: dict[str, list[float]] = {_WITH: [], _WITHOUT: []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="livecomments-bench-")))
        tokens = _tokens(folder, effort.choose(_PEOPLE, 50))
        posting = stack.enter_context(Child(poster.run, cores()[1]))
        where = (str(folder / "comments.sqlite3"), str(folder))
        writer = Servers(stack, writer_server.run, 1, *where)
        for number in range(effort.repeats + 1):
            for how in random.sample([*costs], 2):
                posting.ask("use", tokens if how == _WITH else [])
                cost = writer.load(posting, 1, for_s)
                if number:  # the first time caches fill up, and signatures are checked
                    costs[how].append(cost.cpu_us)
        if not writer.committed():
            raise BenchFailed("nothing was committed")
    yield Row(
        "CPU per post with a token, one hot video",
        measured(costs[_WITH], "us", 0),
        peer=Beside("without a token", measured(costs[_WITHOUT], "us", 0)),
        target=Target(_TARGET, "times", on=On.PEER),
    )


def _tokens(folder: Path, count: int) -> list[str]:
    """Of as many people, all of one name: the body is the same for all."""
    issuer = DevelopmentIssuer.load_or_create(folder)
    people = ({"sub": f"person-{number}", "name": poster.AUTHOR} for number in range(count))
    return [issuer.token(who, {}, _LIFE_S) for who in people]
