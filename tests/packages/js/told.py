"""What a client told, and what has to be true of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.load import Load
from tests.support import eventually


class Told:
    """`events`: name and arguments of each event, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, list[Any]]] = []

    def named(self, name: str) -> list[Any]:
        """The first argument of each event of this name."""
        return [args[0] if args else None for event, args in self.events if event == name]

    @property
    def comments(self) -> list[tuple[int, str]]:
        """Number and text of all that it told, in its order."""
        return [(one["seq"], one["text"]) for one in self.named("comment")]

    @property
    def head(self) -> int:
        """The number that it has come to."""
        cursors = self.named("cursor")
        return int(cursors[-1]["cursor"].rpartition("-")[2]) if cursors else 0

    @property
    def state(self) -> tuple[str, str]:
        """State and reason, as last told."""
        told = self.named("state")[-1]
        return told["state"], told["reason"]

    @property
    def shown(self) -> list[Any]:
        """What its list shows."""
        lists = self.named("shown")
        return list(lists[-1]) if lists else []

    async def live(self, timeout_s: float = 30.0) -> None:
        await eventually(lambda: self.named("state") and self.state[0] == "live", timeout_s)

    @property
    def all_posted(self) -> bool:
        """Whether each answer to a post is that it is stored."""
        return {answer.get("status") for answer in self.answers().values()} == {"posted"}

    def answers(self) -> dict[int, Any]:
        """What became of the posts, by number."""
        return {args[0]: args[1] for event, args in self.events if event in ("posted", "refused")}

    @property
    def reasons(self) -> list[str]:
        """Of all its states."""
        return [told["reason"] for told in self.named("state")]


def assert_whole(client: Told, stored: Sequence[Mapping[str, Any]], first: int = 1) -> None:
    """Each comment of the log from `first` on was told once, in order, as it is."""
    expected = [
        (entry["seq"], entry["text"])
        for entry in stored
        if "text" in entry and entry["seq"] >= first
    ]
    assert client.comments == expected


async def settled(load: Load, *clients: Told) -> None:
    """Stop the load; everything that is stored has come to each client, once and in order."""
    await load.finish()
    for client in clients:
        assert_whole(client, await _has_all(load, client), client.comments[0][0])
        assert not client.named("reset")
        assert all(gap["filled"] for gap in client.named("gap"))


async def _has_all(load: Load, client: Told) -> Sequence[Mapping[str, Any]]:
    """What is stored, when the client has come to its end. A post that was given up may be stored
    after the log was read: then the client is ahead of it, and it is read again.
    """
    video_id, stored = load.videos[0], load.history.stored
    while True:
        await eventually(lambda: client.head >= len(stored[video_id]), 40)
        if client.head == len(stored[video_id]):
            return stored[video_id]
        await load.read_log(video_id)
