"""A small history with a moderator, made by hand, for the judge to look at."""

from __future__ import annotations

from typing import Any

from tests.chaos.floor import Floor
from tests.chaos.history import Call, Decision, Deed, Event, History, Outcome, Seen, Stream, Watch
from tests.chaos.judge import judge
from tests.unit.chaos.histories import EPOCH, comment, hello, screen, sound

AT = "2026-01-01T00:00:00.000Z"


def entry(seq: int, kind: str, **said: Any) -> dict[str, Any]:
    head = {"id": f"{EPOCH}-{seq}", "type": kind, "video_id": "v1", "seq": seq}
    return {**head, **said, "created_at": AT}


def tombstone(seq: int) -> dict[str, Any]:
    return entry(seq, "tombstone")


def removed(seq: int, *targets: int) -> dict[str, Any]:
    return entry(seq, "removed", targets=list(targets), by="moderator")


def restored(seq: int, target: int) -> dict[str, Any]:
    return entry(seq, "restored", comment=comment(target))


def event(told: dict[str, Any]) -> Event:
    return Event(told.get("type", "comment"), told["id"], told)


def decision(deed: Deed, at: float, answer: dict[str, Any] | None, *targets: int) -> Decision:
    """Asked for at `at`, answered 0.1 s later; never, if `answer` is None."""
    call = Call(at, at + 0.1)
    if answer is not None:
        call.status, call.outcome, call.answer = 200, Outcome.ACKED, answer
    return Decision("v1", deed, targets, [call])


def append(history: History, at: float, told: dict[str, Any]) -> Event:
    """An entry that is stored, and shown to everybody 0.1 s after `at`."""
    history.stored["v1"].append(told)
    one = event(told)
    for watch in history.watches:
        watch.add(at + 0.1, one)
    return one


def moderated() -> History:
    """Five comments, one a second. Comment 2 is removed at 6 s, 3 and 4 at 7 s by one call, and 3
    is restored at 8 s. Both viewers see all of it; a late one comes at 30 s.
    """
    history = sound()
    history.moderated, history.ended_at, history.looked_until = True, 31.0, 31.0
    steps = (
        (6.0, Deed.REMOVE, removed(6, 2), (2,)),
        (7.0, Deed.REMOVE, removed(7, 3, 4), (3, 4)),
        (8.0, Deed.RESTORE, restored(8, 3), (3,)),
    )
    for at, deed, notice, targets in steps:
        append(history, at, notice)
        told = comment(3) if deed is Deed.RESTORE else notice
        history.decisions.append(decision(deed, at, told, *targets))
    stored = history.stored["v1"]
    stored[1], stored[3] = tombstone(2), tombstone(4)
    history.watches.append(latecomer(history, 30.0))
    return history


def latecomer(history: History, at: float) -> Watch:
    """A viewer who comes then, on the same node, and is shown what is stored."""
    stored = history.stored["v1"]
    watch = screen((at, hello(0, len(stored))), *((at, event(told)) for told in stored))
    watch.streams = [Stream(at, "node-1")]
    return watch


def lines(history: History) -> str:
    """All that is wrong, as the judge says it."""
    return "\n".join(judge(history, Floor()).broken)


def replace(history: History, watch: Watch, seq: int, told: dict[str, Any]) -> None:
    """The viewer was shown something else under that number."""
    index = next(i for i, one in enumerate(watch.events) if one.id == f"{EPOCH}-{seq}" and i)
    watch.events[index] = event(told)


def forget(watch: Watch, seq: int) -> Seen:
    """The viewer was never shown that."""
    index = next(i for i, one in enumerate(watch.events) if one.id == f"{EPOCH}-{seq}" and i)
    return Seen(watch.times.pop(index), watch.events.pop(index))
