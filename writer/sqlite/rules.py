"""The rules of videos in the embedded store, inside a transaction of the caller: so a comment is
decided by the rules as they are where it is numbered, and a ruling changes them and the log at
once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from wire.entry import is_comment
from wire.errors import CallerError, NotFound
from wire.rulings import (
    MAX_SLOW_MODE_S,
    encode_pinned,
    encode_sanctioned,
    encode_settings,
)
from writer.deciding import Decider
from writer.rules import (
    NO_RULES,
    NewFilters,
    NewPin,
    NewSanction,
    Ruled,
    Rules,
    Ruling,
    Sanction,
    SettingsChange,
    plan_filters,
    plan_sanction,
    plan_settings,
)
from writer.sqlite.log import append_entry, read_entries, read_head

_rules = msgspec.json.Decoder(Rules)
_sanction = msgspec.json.Decoder(Sanction)


def read_rules(connection: sqlite3.Connection, video_id: str) -> Rules:
    """The rules of a video."""
    row = connection.execute("SELECT body FROM rules WHERE video_id = ?", (video_id,)).fetchone()
    return _rules.decode(row[0]) if row else NO_RULES


def read_rules_of(connection: sqlite3.Connection, video_ids: Sequence[str]) -> dict[str, Rules]:
    """As CommentStore.rules_of."""
    rows = connection.execute(
        "SELECT video_id, body FROM rules WHERE video_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(video_ids)),),
    )
    return {video_id: _rules.decode(body) for video_id, body in rows}


def write_rules(connection: sqlite3.Connection, video_id: str, rules: Rules) -> None:
    """These are the rules from now on."""
    body = msgspec.json.encode(rules)
    connection.execute("INSERT OR REPLACE INTO rules VALUES (?, ?)", (video_id, body))


def read_sanction(connection: sqlite3.Connection, video_id: str, author_id: str) -> Sanction | None:
    """What is said of an author, None if nothing ever was."""
    row = connection.execute(
        "SELECT body FROM sanctions WHERE video_id = ? AND author_id = ?", (video_id, author_id)
    ).fetchone()
    return _sanction.decode(row[0]) if row else None


def read_sanctions(
    connection: sqlite3.Connection, video_id: str, limit: int, after: str
) -> list[Sanction]:
    """As CommentStore.sanctions."""
    rows = connection.execute(
        "SELECT body FROM sanctions WHERE video_id = ? AND author_id > ? AND NOT lifted"
        " ORDER BY author_id LIMIT ?",
        (video_id, after, limit),
    )
    return [_sanction.decode(body) for (body,) in rows]


def read_filters(connection: sqlite3.Connection, video_id: str) -> tuple[int, bytes]:
    """As CommentStore.filters."""
    row = connection.execute(
        "SELECT version, body FROM filters WHERE video_id = ?", (video_id,)
    ).fetchone()
    return row or (0, b"")


def read_slots(
    connection: sqlite3.Connection, video_id: str, slots: Sequence[str]
) -> dict[str, int]:
    """As CommentStore.used_slots."""
    rows = connection.execute(
        "SELECT slot, used_ms FROM slots"
        " WHERE video_id = ? AND slot IN (SELECT value FROM json_each(?))",
        (video_id, json.dumps(list(slots))),
    )
    return dict(rows)


def sweep_slots(connection: sqlite3.Connection, now_s: float, limit: int) -> int:
    """Forget up to `limit` slots that nothing can depend on any more; how many there were."""
    cursor = connection.execute(
        "DELETE FROM slots WHERE (video_id, slot) IN"
        " (SELECT video_id, slot FROM slots WHERE used_ms < ? ORDER BY used_ms LIMIT ?)",
        (int((now_s - MAX_SLOW_MODE_S) * 1000), limit),
    )
    return cursor.rowcount


class StoredDecider(Decider):
    """Decides the comments of one group. `body`: the video's rules as they are stored, or None.
    Sanctions and slots are read when a comment needs them.
    """

    def __init__(
        self, connection: sqlite3.Connection, video_id: str, body: bytes | None, now_s: float
    ) -> None:
        self._connection, self._video_id = connection, video_id
        self._stored = _rules.decode(body) if body else NO_RULES

        def sanction_of(author_id: str) -> Sanction | None:
            stored = self._stored.sanctions
            return read_sanction(connection, video_id, author_id) if stored else None

        def used_of(slots: Sequence[str]) -> dict[str, int]:
            return read_slots(connection, video_id, slots)

        super().__init__(int(now_s * 1000), self._stored, sanction_of, used_of)

    def end(self) -> None:
        """Write what the group has used."""
        if self.taken:
            self._connection.executemany(
                "INSERT OR REPLACE INTO slots VALUES (?, ?, ?)",
                [(self._video_id, slot, self.now_ms) for slot in self.taken],
            )
        if self.rules is not self._stored:
            write_rules(self._connection, self._video_id, self.rules)


@dataclass(frozen=True, slots=True)
class Ruler:
    """Of one video in one transaction, which holds the write lock. now_s: wall clock."""

    connection: sqlite3.Connection
    epoch: str
    video_id: str
    created_at: str
    now_s: float

    def rule(self, ruling: Ruling) -> Ruled | CallerError:
        """As CommentStore.rule, but an error of the caller is returned: other groups share the
        transaction.
        """
        rules = read_rules(self.connection, self.video_id)
        try:
            match ruling:
                case SettingsChange():
                    return self._set(rules, ruling)
                case NewFilters():
                    return self._filter(rules, ruling)
                case NewSanction():
                    return self._sanction(rules, ruling)
                case NewPin():
                    return self._pin(rules, ruling)
        except CallerError as exc:  # raised before anything was written
            return exc

    def _set(self, rules: Rules, change: SettingsChange) -> Ruled:
        planned = plan_settings(rules, change)
        if planned is None:
            return self._said_before(rules, rules.settings_notice)
        return self._say_settings(planned)

    def _filter(self, rules: Rules, new: NewFilters) -> Ruled:
        _, body = read_filters(self.connection, self.video_id)
        planned = plan_filters(rules, body, new)
        if planned is None:
            return self._said_before(rules, rules.settings_notice)
        self.connection.execute(
            "INSERT OR REPLACE INTO filters VALUES (?, ?, ?)",
            (self.video_id, planned.filters, new.body),
        )
        return self._say_settings(planned)

    def _sanction(self, rules: Rules, new: NewSanction) -> Ruled:
        before = read_sanction(self.connection, self.video_id, new.author_id)
        if not plan_sanction(rules, before, new, int(self.now_s * 1000)):
            number = before.notice if before else 0
            return msgspec.structs.replace(self._said_before(rules, number), sanction=before)
        number = self._next() if self.video_id else 0
        said = new.at(self.created_at, number)
        self.connection.execute(
            "INSERT OR REPLACE INTO sanctions VALUES (?, ?, ?, ?)",
            (self.video_id, new.author_id, new.until_ms is None, msgspec.json.encode(said)),
        )
        version = rules.version if self.video_id else rules.version + 1
        planned = msgspec.structs.replace(rules, sanctions=True, version=version)
        if planned != rules:
            write_rules(self.connection, self.video_id, planned)
        if not number:
            return Ruled(True, (), planned, said)
        raw = encode_sanctioned(self.epoch, self.video_id, number, said.words, self.created_at)
        append_entry(self.connection, self.video_id, number, raw)
        return Ruled(True, ((number, raw),), planned, said)

    def _pin(self, rules: Rules, pin: NewPin) -> Ruled:
        seq = pin.seq or 0
        comment = read_entries(self.connection, self.video_id, [seq]).get(seq)
        if seq and (comment is None or not is_comment(comment)):
            raise NotFound(f"no such comment: {seq}")
        if seq == rules.pin:
            return self._said_before(rules, rules.pin_notice)
        number = self._next()
        planned = msgspec.structs.replace(rules, pin=seq, pin_notice=number)
        write_rules(self.connection, self.video_id, planned)
        raw = encode_pinned(self.epoch, self.video_id, number, comment, self.created_at)
        append_entry(self.connection, self.video_id, number, raw)
        if seq:
            self.connection.execute(
                "INSERT INTO repeated VALUES (?, ?, ?)", (self.video_id, seq, number)
            )
        return Ruled(True, ((number, raw),), planned)

    def _say_settings(self, planned: Rules) -> Ruled:
        number = self._next()
        planned = msgspec.structs.replace(planned, settings_notice=number)
        write_rules(self.connection, self.video_id, planned)
        raw = encode_settings(self.epoch, self.video_id, number, planned.settings, self.created_at)
        append_entry(self.connection, self.video_id, number, raw)
        return Ruled(True, ((number, raw),), planned)

    def _said_before(self, rules: Rules, number: int) -> Ruled:
        entries = read_entries(self.connection, self.video_id, [number])
        return Ruled(False, tuple(entries.items()), rules)

    def _next(self) -> int:
        return read_head(self.connection, self.video_id) + 1
