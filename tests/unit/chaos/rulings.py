"""A small history with somebody who rules, made by hand, for the judge to look at. Tests tell the
same story with steps more, or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.chaos.history import (
    Call,
    Choice,
    Decision,
    Deed,
    Event,
    History,
    Outcome,
    Post,
    Rule,
    Ruling,
    Stream,
    Watch,
)
from tests.chaos.judge_rules import seconds_of
from tests.chaos.rule_book import DEFAULTS, FOREVER
from tests.unit.chaos.histories import EPOCH, hello, screen
from tests.unit.chaos.removals import latecomer

BOB = "u_bob"
Step = tuple[Any, ...]  # time, what happens, and of what


def stamp(at: float) -> str:
    """The wall clock, at a time of the history below a minute."""
    return f"2026-01-01T00:00:{at:06.3f}Z"


def closed(at: float, on: bool, **more: Any) -> Step:
    return (at, "rule", Rule.SETTINGS, {"closed": on}, more)


def slow(at: float, seconds: int, **more: Any) -> Step:
    return (at, "rule", Rule.SETTINGS, {"slow_mode_s": seconds}, more)


def ban(at: float, until: str | None = FOREVER, *, purge: bool = False, **more: Any) -> Step:
    said = {"author_id": BOB, "until": until, "purge": purge}
    return (at, "rule", Rule.SANCTION, said, more)


def pin(at: float, label: str, **more: Any) -> Step:
    return (at, "rule", Rule.PIN, {"seq": label}, more)


# Bob is a member, Ann is not. What Bob wrote is purged in the end; the pinned comment is removed.
STORY: tuple[Step, ...] = (
    (1.0, "comment", "first", ""),
    (2.0, "comment", "of bob", BOB),
    closed(3.0, True),
    (4.0, "refusal", "kept out", "", 403, "closed"),
    closed(5.0, False),
    ban(6.0),
    (7.0, "refusal", "banned words", BOB, 403, "banned"),
    ban(8.0, None),
    (9.0, "comment", "of bob again", BOB),
    slow(10.0, 5),
    (11.0, "comment", "slow one", ""),
    (12.0, "refusal", "too fast", "", 429, "slow_mode"),
    (16.5, "comment", "slow two", ""),
    slow(17.0, 0),
    pin(18.0, "first"),
    (19.0, "remove", "first"),
    pin(20.0, ""),
    ban(21.0, stamp(25.0)),
    (22.0, "refusal", "too early", BOB, 429, "timed_out"),
    (26.0, "comment", "of bob, late", BOB),
    ban(27.0, None),
    ban(28.0, purge=True),
    (
        28.1,
        "purge",
    ),
    ban(30.0, None),
)


def story(*extra: Step, without: Sequence[Step] = ()) -> History:
    """The story with these steps more, and some less; shown to two viewers, and to one at 40 s."""
    teller = _Teller()
    for at, what, *about in sorted(
        [*(step for step in STORY if step not in without), *extra], key=lambda step: float(step[0])
    ):
        getattr(teller, what)(at, *about)
    return teller.end()


class _Teller:
    def __init__(self) -> None:
        self._history = History(moderated=True, ruled=True, ended_at=41.0, looked_until=41.0)
        self._history.wall_s = seconds_of(stamp(0.0))
        self._stored: list[dict[str, Any]] = []
        self._history.stored["v1"] = self._stored
        self._seqs = {"": 0}
        self._settings = dict(DEFAULTS)
        self._gone: list[int] = []
        for _ in range(2):
            self._history.watches.append(screen((0.3, hello(0))))

    def end(self) -> History:
        for seq in self._gone:
            entry = self._stored[seq - 1]
            kept = {name: entry[name] for name in ("id", "video_id", "seq", "created_at")}
            self._stored[seq - 1] = {**kept, "type": "tombstone"}
        late(self._history, 40.0).streams[0].node = "node-1"
        return self._history

    def comment(self, at: float, text: str, author_id: str, created_at: str = "") -> None:
        self._seqs[text] = len(self._stored) + 1
        who = {"author": "bob", "author_id": author_id} if author_id else {"author": "ann"}
        entry = self._append(at, "", created_at, **who, text=text)
        self._post(text, author_id, Call(at - 0.01, at, 4.0, Outcome.ACKED, 201, entry))

    def refusal(self, at: float, text: str, author_id: str, status: int, code: str) -> None:
        call = Call(at - 0.01, at, 4.0, Outcome.REFUSED, status, None, code)
        self._post(text, author_id, call)

    def rule(self, at: float, rule: Rule, said: dict[str, Any], more: dict[str, Any]) -> None:
        """more: entry=False: answered, and not in the log; call=False: the other way round; lost:
        the time of a call before that was not answered.
        """
        told = self._said(at, rule, said)
        if more.get("entry", True):
            entry = self._append(at, rule.value, "", **told)
        else:
            entry = {"seq": 0, **told, "created_at": stamp(at)}
        if rule is Rule.SETTINGS:
            answer = dict(told)
        elif rule is Rule.SANCTION:
            answer = {**told, "by": "u_mo", "at": entry["created_at"]}
        else:
            answer = entry
        said = {**said, "seq": self._seqs[said["seq"]]} if rule is Rule.PIN else said
        calls = [Call(more["lost"], more["lost"] + 0.1)] if "lost" in more else []
        calls.append(Call(at - 0.01, at, 4.0, Outcome.ACKED, 200, answer))
        if more.get("call", True):
            self._history.rulings.append(Ruling("v1", rule, said, calls))

    def remove(self, at: float, text: str) -> None:
        seq = self._seqs[text]
        notice = self._append(at, "removed", "", targets=[seq], by="moderator")
        call = Call(at - 0.01, at, 4.0, Outcome.ACKED, 200, notice)
        self._history.decisions.append(Decision("v1", Deed.REMOVE, (seq,), [call]))
        pins = [one["seq"] for one in self._stored if (one.get("comment") or {}).get("seq") == seq]
        self._gone += [seq, *pins]

    def filters(self, at: float, entries: int = 1) -> None:
        """Set, and stored as so many entries."""
        for _ in range(entries):
            self._append(at, Rule.SETTINGS.value, "", **self._settings)
        call = Call(at - 0.01, at, 4.0, Outcome.ACKED, 200, {"terms": []})
        self._history.rulings.append(Ruling("v1", Rule.SETTINGS, {}, [call]))
        self._history.screened = True

    def blocked(self, at: float, text: str) -> None:
        call = Call(at - 0.01, at, 4.0, Outcome.REFUSED, 422, None, "blocked")
        self._history.posts.append(Post("v1", f"key of {text}", "ann", text, [call], valid=False))

    def held(self, at: float, text: str, said: dict[str, bool]) -> None:
        """said: what moderators say at once; the first of them counts."""
        key = f"key of {text}"
        call = Call(at - 0.01, at, 4.0, Outcome.HELD, 202, {"held": f"h_{text}"})
        post = Post("v1", key, "ann", text, [call], held=True)
        self._history.posts.append(post)
        answer: dict[str, Any] = {"id": f"h_{text}", "state": "denied"}
        if next(iter(said.values()), False):
            self._seqs[text] = len(self._stored) + 1
            comment = self._append(at + 0.15, "", "", author="ann", text=text)
            answer |= {"state": "approved", "comment": comment}
            post.calls.append(Call(at + 0.3, at + 0.4, 4.0, Outcome.ACKED, 200, comment))
        won = Call(at + 0.1, at + 0.2, 4.0, Outcome.ACKED, 200, answer)
        lost = Call(at + 0.1, at + 0.2, 4.0, Outcome.REFUSED, 409, None, "decided")
        for (by, approve), decided in zip(said.items(), (won, lost), strict=False):
            self._history.choices.append(Choice("v1", key, by, approve, [decided]))

    def purge(self, at: float, but: int = 0) -> None:
        """but: so many of the newest are left."""
        mine = [one["seq"] for one in self._stored if "text" in one and "author_id" in one]
        mine = mine[: len(mine) - but]
        self._append(at, "removed", "", targets=mine, by="moderator")
        self._gone += mine

    def _said(self, at: float, rule: Rule, said: dict[str, Any]) -> dict[str, Any]:
        if rule is Rule.SETTINGS:
            self._settings = {**self._settings, **said}
            return self._settings
        if rule is Rule.SANCTION:
            return said
        return {"comment": self._stored[self._seqs[said["seq"]] - 1] if said["seq"] else None}

    def _append(self, at: float, kind: str, created_at: str, **said: Any) -> dict[str, Any]:
        seq = len(self._stored) + 1
        entry: dict[str, Any] = {
            "id": f"{EPOCH}-{seq}",
            **({"type": kind} if kind else {}),
            "video_id": "v1",
        }
        entry |= {"seq": seq, **said, "created_at": created_at or stamp(at)}
        self._stored.append(entry)
        for watch in self._history.watches:
            watch.add(at + 0.05, Event(kind or "comment", entry["id"], entry))
        return entry

    def _post(self, text: str, author_id: str, call: Call) -> None:
        author = "bob" if author_id else "ann"
        post = Post("v1", f"key of {text}", author, text, [call], author_id=author_id)
        self._history.posts.append(post)


def late(history: History, at: float) -> Watch:
    """One more viewer, whose stream on another node begins then with all that is stored."""
    watch = latecomer(history, at)
    watch.cursor = f"{EPOCH}-0"
    watch.streams = [Stream(at, "node-2")]
    history.watches.append(watch)
    return watch
