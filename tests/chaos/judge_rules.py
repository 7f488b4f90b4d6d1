"""R4, R5 and R6: what is numbered where rules forbid it. Sanctions for ever and closed videos are
decided by numbers alone; timeouts and slow mode also by the writers' clocks.

A comment's `created_at` is taken just before it is numbered, so it may be earlier than the moment
in which it was decided: by `CLOCKS_S`, or where a fault was in between until its answer.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from tests.chaos.history import History, Post, Rule
from tests.chaos.judge_due import Due
from tests.chaos.judge_log import Entry, Log, Target, kind_of
from tests.chaos.rule_book import DEFAULTS, FOREVER, RULES, state_in
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

CLOCKS_S = 2.0 * TIMEOUT_FACTOR  # also what a comment waits until it is decided, without a fault


def check_rules(history: History, log: Log, ledger: Ledger) -> None:
    """Walk over every log in which somebody has ruled."""
    moments = _Moments(history)
    for video_id, stored in history.stored.items():
        if any(kind_of(entry) in RULES for entry in stored):
            walk = _Walk(video_id, log, moments, ledger)
            for entry in stored:
                walk.add(entry)


def seconds_of(moment: str) -> float:
    """RFC 3339 as seconds since 1970."""
    return dt.datetime.fromisoformat(moment).timestamp()


class _Moments:
    """When a comment was decided, at the latest, in seconds of the wall clock."""

    def __init__(self, history: History) -> None:
        self._wall_s = history.wall_s
        self._due = Due.of_comments(history)
        self._posts: dict[Target, Post] = {}
        for post in history.posts:
            for call in post.acks[:1]:
                self._posts[post.video_id, (call.answer or {}).get("seq", 0)] = post

    def latest(self, video_id: str, comment: Entry) -> float:
        """Infinity if a fault was there and nobody was answered."""
        created_s = seconds_of(comment["created_at"])
        at = created_s - self._wall_s
        if not self._due.is_troubled(at, at + CLOCKS_S):
            return created_s + CLOCKS_S
        post = self._posts.get((video_id, comment["seq"]))
        answered_at = math.inf if post is None else post.acks[0].returned_at
        return answered_at + self._wall_s


class _Walk:
    """One log from its first entry to its last: the rules as they are at each number."""

    def __init__(self, video_id: str, log: Log, moments: _Moments, ledger: Ledger) -> None:
        self._video_id, self._log, self._moments, self._ledger = video_id, log, moments, ledger
        self._settings: Mapping[str, Any] = DEFAULTS
        self._settings_at = 0
        self._sanctions: dict[str, Entry] = {}
        self._slowed: dict[str, Entry] = {}  # by author: the last comment since slow mode is so
        self._closed = False

    def add(self, entry: Entry) -> None:
        """The next one."""
        kind = kind_of(entry)
        if kind == Rule.SETTINGS.value:
            self._set(entry)
        elif kind == Rule.SANCTION.value:
            self._sanctions[entry["author_id"]] = entry
            self._ledger.judge("R4")
        elif comment := self._log.comment(self._video_id, entry):
            self._check(comment)
        elif self._closed and self._log.notices.get((self._video_id, entry["seq"])):
            self._ledger.break_("R5", self._forbidden(entry))  # it was removed, so it was a comment

    def _set(self, entry: Entry) -> None:
        settings = state_in(entry)
        if settings["slow_mode_s"] != self._settings["slow_mode_s"]:
            self._slowed.clear()
        self._ledger.judge("R5", bool(settings["closed"]))
        self._settings, self._settings_at = settings, entry["seq"]
        self._closed = bool(settings["closed"])

    def _check(self, comment: Entry) -> None:
        author_id = str(comment.get("author_id", ""))
        sanction = self._sanctions.get(author_id)
        if sanction is not None:
            self._check_sanction(comment, sanction)
        if self._closed:
            self._ledger.break_("R5", self._forbidden(comment))
        if self._settings["slow_mode_s"]:
            self._check_pace(author_id or f"~{comment['author']}", comment)

    def _forbidden(self, entry: Entry) -> str:
        return f"{self._video_id} {entry['seq']} is above {self._settings_at}, which closed it"

    def _check_sanction(self, comment: Entry, sanction: Entry) -> None:
        until = sanction["until"]
        forbidden = until is not None and (
            until == FOREVER
            or self._moments.latest(self._video_id, comment) < seconds_of(until)
        )  # fmt: skip
        self._ledger.expect(
            "R4",
            not forbidden,
            f"{self._video_id} {comment['seq']} of {comment['created_at']} is above "
            f"{sanction['seq']}: {comment['author']} may not write until {until}",
        )

    def _check_pace(self, author: str, comment: Entry) -> None:
        before = self._slowed.get(author)
        self._slowed[author] = comment
        wanted_s = self._settings["slow_mode_s"]
        self._ledger.judge("R6")
        if before is None:
            return
        latest = self._moments.latest(self._video_id, comment)
        if latest - seconds_of(before["created_at"]) < wanted_s:
            self._ledger.break_(
                "R6", f"{self._video_id} {before['seq']} and {comment['seq']} of "
                f"{comment['author']} are of {before['created_at']} and {comment['created_at']}; "
                f"slow mode asks for {wanted_s} s",
            )  # fmt: skip
