"""R7: each ruling that was answered is in the log, once if it changed something; each entry of a
ruling was asked for; and no post is refused by a ruling that nobody can have meant.

A call that was never answered forks the history: it may be carried out at any time after it was
sent, also when its moderator has said something else since. All these forks are followed at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.history import Call, History, Outcome, Post, Rule, Ruling
from tests.chaos.judge_log import TOMBSTONE, Entry, Log, frame_of, kind_of
from tests.chaos.judge_rules import CLOCKS_S, seconds_of
from tests.chaos.rule_book import (
    FOREVER,
    REFUSED_BY_RULES,
    State,
    Subject,
    at_first,
    ruled,
    state_in,
    subject_of,
)
from tests.chaos.verdict import Ledger

_Fork = tuple[int, tuple[int, ...]]  # entries explained, lost calls carried out of each kind


def check_rulings(history: History, log: Log, ledger: Ledger) -> None:
    """Note what holds of rulings, their entries, and refusals of posts."""
    entries: dict[Subject, list[Entry]] = {}
    for video_id in history.stored:
        for entry in (one for rule in Rule for one in log.said(video_id, rule)):
            subject = subject_of(video_id, Rule(kind_of(entry)), entry)
            entries.setdefault(subject, []).append(entry)
    for ruling in history.rulings:
        _check_refusals(history, ruling, ledger)
        _check_answers(ruling, log, ledger)
    for subject in {**entries, **log.rulings}:
        _Forks(subject, entries.get(subject, ()), ledger).follow(log.rulings.get(subject, ()))
    for post in history.posts:
        for call in post.calls:
            if call.code in REFUSED_BY_RULES:
                _check_refused_post(history, post, call, log, ledger)


def _check_refusals(history: History, ruling: Ruling, ledger: Ledger) -> None:
    """A moderator does nothing wrong, but may call too often, or come when a timeout is over."""
    until = ruling.said.get("until")
    over_at = math.inf if until is None else seconds_of(until) - history.wall_s
    for call in ruling.calls:
        late = call.status == 422 and over_at - CLOCKS_S < call.returned_at
        ledger.expect(
            "P8",
            call.outcome is not Outcome.REFUSED or call.status == 429 or late,
            f"refused a moderator with {call.status} {call.code}: {_text(ruling)}",
        )


def _check_answers(ruling: Ruling, log: Log, ledger: Ledger) -> None:
    """Settings as they are with it, the sanction with the time of its entry, the entry of a pin."""
    said = ruling.said
    for call in ruling.acks:
        told = call.answer or {}
        if ruling.rule is Rule.SETTINGS:
            true = all(told.get(name) == value for name, value in said.items())
        elif ruling.rule is Rule.SANCTION:
            true = _is_sanction(ruling, told, log)
        else:
            true = _is_pin(ruling, told, log)
        ledger.expect("R7", true, f"an untrue 200: {_text(ruling)} was told {told}")


def _is_sanction(ruling: Ruling, told: Mapping[str, Any], log: Log) -> bool:
    said = ruling.said
    if not told:  # nobody was ever sanctioned
        return not said["until"]
    same = all(told.get(name) == said[name] for name in ("author_id", "until"))
    return same and any(
        entry["author_id"] == said["author_id"]
        and (entry["until"], entry["created_at"]) == (said["until"], told.get("at"))
        for entry in log.said(ruling.video_id, Rule.SANCTION)
    )


def _is_pin(ruling: Ruling, told: Mapping[str, Any], log: Log) -> bool:
    if not told:  # nothing was ever pinned
        return not ruling.said["seq"]
    kept = log.entry(ruling.video_id, told.get("seq", 0))
    withdrawn = kept is not None and kind_of(kept) == TOMBSTONE and frame_of(kept) == frame_of(told)
    mine: bool = kind_of(told) == Rule.PIN.value and state_in(told) == ruling.said
    return mine and (kept == told or withdrawn)


class _Forks:
    """One subject: its entries in order, and all ways in which its rulings can have made them."""

    def __init__(self, subject: Subject, entries: Sequence[Entry], ledger: Ledger) -> None:
        self._subject, self._entries, self._ledger = subject, entries, ledger
        self._rule = subject[1]
        self._states = [at_first(self._rule), *map(state_in, entries)]
        self._kinds: list[Mapping[str, Any]] = []  # what was wanted by lost calls
        self._lost: list[int] = []

    def follow(self, rulings: Iterable[Ruling]) -> None:
        """Note what no fork explains."""
        forks: set[_Fork] = {(0, ())}
        for ruling in rulings:
            forks = self._with_lost_calls(forks, ruling)
            if not ruling.acks:
                continue
            after = {fork for fork in (self._carried_out(one, ruling) for one in forks) if fork}
            self._ledger.expect("R7", bool(after), f"not in the log: {_text(ruling)}")
            forks = after or forks
        reached = max(done for done, _ in forks)
        self._ledger.judge("R7", reached)
        if reached < len(self._entries):
            state, entry = self._states[reached], self._entries[reached]
            why = "says nothing new" if state == self._states[reached + 1] else "was not asked for"
            self._ledger.break_("R7", f"{self._subject[0]}: entry {entry['seq']} {why}: {entry}")

    def _carried_out(self, fork: _Fork, ruling: Ruling) -> _Fork | None:
        """By the call that was answered."""
        done, used = fork
        changes = ruled(self._rule, self._states[done], ruling.said) != self._states[done]
        if ruling.said and not changes:
            return fork
        return (done + 1, used) if self._makes_next(done, ruling.said) else None

    def _makes_next(self, done: int, said: Mapping[str, Any]) -> bool:
        before: State = self._states[done]
        if not said:  # other filters
            return done < len(self._entries) and self._states[done + 1] == before
        after = ruled(self._rule, before, said)
        return done < len(self._entries) and after != before and after == self._states[done + 1]

    def _with_lost_calls(self, forks: set[_Fork], ruling: Ruling) -> set[_Fork]:
        """Before this ruling, and with those of its calls that were not answered."""
        found = self._spread(forks)
        if not ruling.lost:
            return found
        if ruling.said not in self._kinds:
            self._kinds.append(ruling.said)
            self._lost.append(0)
        self._lost[self._kinds.index(ruling.said)] += ruling.lost
        return self._spread(found)

    def _spread(self, forks: set[_Fork]) -> set[_Fork]:
        """Any of the lost calls may be carried out now, in any order."""
        found, waiting = set[_Fork](), [(done, self._padded(used)) for done, used in forks]
        while waiting:
            fork = waiting.pop()
            if fork not in found:
                found.add(fork)
                waiting += self._next_of(fork)
        return found

    def _next_of(self, fork: _Fork) -> Iterator[_Fork]:
        done, used = fork
        for index, said in enumerate(self._kinds):
            if used[index] < self._lost[index] and self._makes_next(done, said):
                yield done + 1, (*used[:index], used[index] + 1, *used[index + 1 :])

    def _padded(self, used: tuple[int, ...]) -> tuple[int, ...]:
        return used + (0,) * (len(self._kinds) - len(used))


def _check_refused_post(history: History, post: Post, call: Call, log: Log, ledger: Ledger) -> None:
    """Such a ruling had begun, and was not known to be over when the post was sent."""
    if call.code in ("closed", "slow_mode"):
        subject: Subject = (post.video_id, Rule.SETTINGS, "")
    else:
        subject = (post.video_id, Rule.SANCTION, post.author_id)
    forbids = _FORBIDS[call.code]
    entries = [
        entry
        for entry in log.said(post.video_id, subject[1])
        if subject_of(post.video_id, subject[1], entry) == subject
    ]
    made = sum(bool(forbids(state_in(entry))) for entry in entries)
    rulings = log.rulings.get(subject, ())
    answered = sum(bool(forbids(one.said) and one.acks) for one in rulings)
    # More entries than answers: a call that was lost has said it again, nobody knows when.
    meant = _is_meant(rulings, forbids, call, again=made > answered, wall_s=history.wall_s)
    ledger.expect(
        "R7",
        meant,
        f"key {post.key} of {post.author} in {post.video_id} was refused as {call.code} at "
        f"{call.invoked_at - history.began_at:.3f} s, and no ruling says so",
    )


def _is_meant(
    rulings: Sequence[Ruling],
    forbids: Callable[[Mapping[str, Any]], bool | None],
    call: Call,
    *,
    again: bool,
    wall_s: float,
) -> bool:
    lifted = False  # known to be, by a later ruling that was answered before the post was sent
    for ruling in reversed(rulings):
        says = forbids(ruling.said)
        if says is None or not ruling.calls:
            continue
        until = ruling.said.get("until")
        over_at = math.inf if until in (None, FOREVER) else seconds_of(until) - wall_s + CLOCKS_S
        begun = ruling.invoked_at <= call.returned_at and call.invoked_at <= over_at
        if says and begun and (not lifted or (again and ruling.lost)):
            return True
        lifted = lifted or (not says and ruling.answered_at < call.invoked_at)
    return False


def _closed(said: Mapping[str, Any]) -> bool | None:
    return said.get("closed")


def _slowed(said: Mapping[str, Any]) -> bool | None:
    return bool(said["slow_mode_s"]) if "slow_mode_s" in said else None


def _banned(said: Mapping[str, Any]) -> bool:
    return bool(said["until"] == FOREVER)


def _timed_out(said: Mapping[str, Any]) -> bool:
    return said["until"] not in (None, FOREVER)


_FORBIDS: Mapping[str, Callable[[Mapping[str, Any]], bool | None]] = {
    "closed": _closed,
    "slow_mode": _slowed,
    "banned": _banned,
    "timed_out": _timed_out,
}


def _text(ruling: Ruling) -> str:
    return f"{ruling.rule.value} of {ruling.video_id}: {ruling.said}"
