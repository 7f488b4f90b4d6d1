"""What a purge must have removed, as decisions like those about single comments: so whatever is
judged of removals is judged of purges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.chaos.history import Decision, Deed, History, Outcome, Rule, Ruling

_Entry = Mapping[str, Any]
_Target = tuple[str, int]


def find_purges(history: History, told: Mapping[_Target, _Entry]) -> Iterator[Decision]:
    """Of each purge. told: comments as their authors were told."""
    purges = [one for one in history.rulings if one.said.get("purge") and one.calls]
    if not purges:
        return
    authors = {target: str(comment.get("author_id", "")) for target, comment in told.items()}
    authors |= _shown_authors(history, {purge.video_id for purge in purges})
    for purge in purges:
        stored = history.stored.get(purge.video_id, [])
        known = {seq: name for (video, seq), name in authors.items() if video == purge.video_id}
        yield from _decisions(purge, stored, known)


def _shown_authors(history: History, videos: set[str]) -> Iterator[tuple[_Target, str]]:
    """Of comments that were on screens; some were shown before anybody was told of them."""
    events = {
        id(event): (watch.video_id, event)
        for watch in history.watches
        if watch.video_id in videos
        for event in watch.events
        if event.type == "comment"
    }
    for video_id, event in events.values():
        yield (video_id, event.data["seq"]), str(event.data.get("author_id", ""))


def _decisions(
    purge: Ruling, stored: Iterable[_Entry], known: Mapping[int, str]
) -> Iterator[Decision]:
    """What was numbered below its entry, it must have removed. A call that was not answered may be
    carried out later and remove more.
    """
    author_id, upto, removals = purge.said["author_id"], 0, []
    mine = {seq for seq, name in known.items() if name == author_id}
    for entry in stored:
        kind = entry.get("type", "comment")
        if kind == Rule.SANCTION.value and _is_of(entry, purge):
            upto = upto or entry["seq"]
        elif kind == "comment" and entry.get("author_id", "") == author_id:
            mine.add(entry["seq"])
        elif kind == Deed.REMOVE.value:
            removals.append(entry["targets"])
    for targets in removals:
        # Of some nobody was told, and nobody saw them in time: those removed with the others.
        if mine.intersection(targets):
            mine.update(seq for seq in targets if seq not in known)
    required = {seq for seq in mine if seq < upto}
    yield Decision(purge.video_id, Deed.REMOVE, tuple(sorted(required)), purge.calls)
    lost = [call for call in purge.calls if call.outcome is Outcome.UNKNOWN]
    for targets in removals if lost else ():
        if mine.issuperset(targets) and not required.issuperset(targets):
            yield Decision(purge.video_id, Deed.REMOVE, tuple(targets), lost)


def _is_of(entry: _Entry, purge: Ruling) -> bool:
    return all(entry.get(name) == purge.said[name] for name in ("author_id", "until", "purge"))
