"""Small histories, made by hand, for the judge to look at."""

from __future__ import annotations

from typing import Any

from tests.chaos.floor import Floor
from tests.chaos.history import Call, Event, Forward, History, Outcome, Post, Stream, Watch
from tests.chaos.judge import judge

EPOCH = "testepoch001"
LIGHT = Floor(comments=0.5, viewers_per_node=2, deliveries=(1, 100), faults=0)


def comment(seq: int, text: str = "") -> dict[str, Any]:
    return {
        "id": f"{EPOCH}-{seq}",
        "video_id": "v1",
        "seq": seq,
        "author": "ann",
        "text": text or f"text {seq}",
        "created_at": "2026-01-01T00:00:00.000Z",
    }


def shown(told: dict[str, Any]) -> Event:
    return Event("comment", told["id"], told)


def hello(start: int, head: int | None = None) -> Event:
    data = {"video_id": "v1", "node_id": "node-1", "epoch": EPOCH}
    data["head"] = f"{EPOCH}-{start if head is None else head}"
    return Event("hello", f"{EPOCH}-{start}", data)


def gap(first: int, last: int, reason: str = "limit") -> Event:
    return Event("gap", f"{EPOCH}-{last}", {"from": first, "to": last, "reason": reason})


def ack(seq: int, at: float, status: int = 201) -> Call:
    return Call(at - 0.1, at, 4.0, Outcome.ACKED, status, comment(seq))


def screen(*events: tuple[float, Event]) -> Watch:
    watch = Watch("v1", "viewer 1", streams=[Stream(0.2, "node-1")])
    for at, event in events:
        watch.add(at, event)
    return watch


def sound(count: int = 5) -> History:
    """A history in which every promise held: one comment a second, seen by two viewers."""
    stored = [comment(seq) for seq in range(1, count + 1)]
    history = History(stored={"v1": stored}, ended_at=count + 1.0)
    events = {told["seq"]: shown(told) for told in stored}
    for told in stored:
        seq = told["seq"]
        history.posts.append(Post("v1", f"key-{seq}", "ann", told["text"], [ack(seq, seq)]))
        history.forwards.append(Forward(seq, "node-1", "v1", seq))
    for _ in range(2):
        resumed = (0.3, hello(0))
        history.watches.append(screen(resumed, *((s + 0.1, event) for s, event in events.items())))
    return history


def broken(history: History) -> set[str]:
    return {line.split()[0] for line in judge(history, Floor()).broken}


def first_line(history: History) -> str:
    return judge(history, Floor()).broken[0]
