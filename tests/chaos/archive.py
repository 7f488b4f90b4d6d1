"""A history on disk: one JSON object a line, gzipped; events that many viewers saw once.

Written before a run is judged and kept if it failed, so that it can be judged again (and by a
better judge). What an older one does not tell has its default.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.history import (
    Call,
    Choice,
    Decision,
    Deed,
    Event,
    Forward,
    History,
    Outcome,
    Poll,
    Post,
    Refusal,
    Rule,
    Ruling,
    Stream,
    Trouble,
    Watch,
)


def save(history: History, path: Path) -> None:
    """Write it."""
    with gzip.open(path, "wt", compresslevel=3) as file:
        for kind, value in _lines(history):
            file.write(json.dumps([kind, value]) + "\n")


def load(path: Path) -> History:
    """Read it back."""
    history = History()
    events: list[Event] = []
    with gzip.open(path, "rt") as file:
        for line in file:
            kind, value = json.loads(line)
            if kind == "run":
                for name, told in zip(_RUN, value, strict=False):  # older ones have fewer
                    setattr(history, name, told)
            elif kind == "event":
                events.append(Event(**value))
            elif kind == "stored":
                history.stored[value[0]] = value[1]
            elif kind == "post":
                history.posts.append(_post(value))
            elif kind == "decision":
                history.decisions.append(_decision(value))
            elif kind == "ruling":
                history.rulings.append(_ruling(value))
            elif kind == "choice":
                history.choices.append(_choice(value))
            elif kind == "watch":
                history.watches.append(_watch(value, events))
            elif kind == "forward":
                history.forwards.append(Forward(*value))
            elif kind == "poll":
                history.polls.append(Poll(**value))
            elif kind == "trouble":
                history.troubles.append(Trouble(**value))
    return history


def _lines(history: History) -> Iterator[tuple[str, Any]]:
    yield "run", [getattr(history, name) for name in _RUN]
    yield from (("stored", item) for item in history.stored.items())
    for post in history.posts:
        yield "post", {"calls": _told(post.calls), **{k: getattr(post, k) for k in _POST}}
    for one in history.decisions:
        yield "decision", (one.video_id, one.deed.value, one.targets, _told(one.calls))
    for ruling in history.rulings:
        yield "ruling", (ruling.video_id, ruling.rule.value, ruling.said, _told(ruling.calls))
    for choice in history.choices:
        said = (choice.video_id, choice.key, choice.by, choice.approve)
        yield "choice", (*said, _told(choice.calls))
    numbers: dict[int, int] = {}
    for watch in history.watches:
        for event in watch.events:
            if id(event) not in numbers:
                numbers[id(event)] = len(numbers)
                yield "event", dataclasses.asdict(event)
    for watch in history.watches:
        told = {k: getattr(watch, k) for k in _WATCH}
        told["streams"] = [dataclasses.asdict(stream) for stream in watch.streams]
        told["refused"] = [dataclasses.asdict(refusal) for refusal in watch.refused]
        told["times"], told["asked"] = list(watch.times), list(watch.asked)
        told["events"] = [numbers[id(event)] for event in watch.events]
        yield "watch", told
    for call in history.forwards:
        yield "forward", (call.at, call.node, call.video_id, call.last_seq)
    yield from (("poll", dataclasses.asdict(poll)) for poll in history.polls)
    yield from (("trouble", dataclasses.asdict(trouble)) for trouble in history.troubles)


_RUN = (
    *("began_at", "ended_at", "nodes", "lag_s", "looked_until", "moderated", "ruled", "wall_s"),
    *("counted", "screened"),
)
_POST = ("video_id", "key", "author", "text", "valid", "author_id", "held")
_WATCH = ("video_id", "name", "cursor", "fatal", "left_at", "place", "counts")


def _told(calls: list[Call]) -> list[dict[str, Any]]:
    return [{**dataclasses.asdict(call), "outcome": call.outcome.value} for call in calls]


def _calls(told: list[dict[str, Any]]) -> list[Call]:
    return [Call(**{**call, "outcome": Outcome(call["outcome"])}) for call in told]


def _post(value: dict[str, Any]) -> Post:
    calls = _calls(value.pop("calls"))
    return Post(**value, calls=calls)


def _decision(value: tuple[str, str, list[int], list[dict[str, Any]]]) -> Decision:
    video_id, deed, targets, calls = value
    return Decision(video_id, Deed(deed), tuple(targets), _calls(calls))


def _ruling(value: tuple[str, str, dict[str, Any], list[dict[str, Any]]]) -> Ruling:
    video_id, rule, said, calls = value
    return Ruling(video_id, Rule(rule), said, _calls(calls))


def _choice(value: tuple[str, str, str, bool, list[dict[str, Any]]]) -> Choice:
    video_id, key, by, approve, calls = value
    return Choice(video_id, key, by, approve, _calls(calls))


def _watch(value: dict[str, Any], events: list[Event]) -> Watch:
    value["streams"] = [Stream(**stream) for stream in value["streams"]]
    value["refused"] = [Refusal(**refusal) for refusal in value["refused"]]
    value["times"] = array("d", value["times"])
    value["asked"] = array("d", value.get("asked", ()))
    value["counts"] = [tuple(told) for told in value.get("counts", ())]
    value["events"] = [events[number] for number in value["events"]]
    return Watch(**value)
