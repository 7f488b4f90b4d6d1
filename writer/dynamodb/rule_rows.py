"""The rules of videos in DynamoDB: see `stepwise.rule_rows`. VIDEO and FILTERS are one item, an
author's part is another one.

Invariant: a part changes only under the condition that its version is the one that was read, so
whoever was first is seen by all others, whatever their clocks say. Of an author and VIDEO, VIDEO is
written first, which says that there is something. But for every video it is VIDEO's version that
says to all that there is something new, and it moves last: so the author's part is marked as untold
until then, and whoever reads such a part tells it first.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec

from service.failpoints import Failpoint, reach
from wire.errors import StoreUnavailable
from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import Attributes, Item, b, bytes_in, is_gone, key, n, number_in, s
from writer.dynamodb.session import DynamoSession
from writer.rules import Rules, Sanction
from writer.stepwise.errors import Unanswered
from writer.stepwise.pausing import SETTLE_WITHIN_S, pause
from writer.stepwise.rule_rows import (
    FILTERS,
    SITE,
    VIDEO,
    WAITING,
    Change,
    Row,
    RuleRows,
    decode_sanction,
)

KEEP_WAITING_S = 2
_LISTED_AT_ONCE = 500
_MANY_AT_ONCE = 500  # videos
_VIDEO_SK, _WAITING_SK = "video", "waiting"
_AUTHOR, _AFTER_AUTHORS = "author|", "author}"
# Attributes of the version and the body of a part.
_NAMES = {VIDEO: ("version", "body"), FILTERS: ("filters_version", "filters")}
_OF_AUTHOR = _NAMES[VIDEO]
_UNTOLD = "untold"  # an attribute of an author's part for every video


class DynamoRuleRows:
    """Implements `ports.RuleTable`. Has no state."""

    def __init__(self, session: DynamoSession) -> None:
        self._session = session

    async def fetch(
        self, video_id: str, parts: Iterable[str] = (), *, serial: bool = False
    ) -> RuleRows:
        """As ports.RuleTable.fetch; all reads are `serial`."""
        wanted = {VIDEO, *parts}
        sort_keys = {_sort_key(part) for part in wanted}
        items = await self._session.get_all([key(_pk(video_id), sk) for sk in sort_keys])
        rows: dict[str, Row] = {}
        for item in items:
            rows |= _rows(item)
        for item in items:
            if _UNTOLD in item:
                version = number_in(item, "version") or 0
                rows[VIDEO] = await self._tell(item["sk"]["S"], version)
        return RuleRows.of({part: row for part, row in rows.items() if part in wanted})

    async def fetch_many(self, video_ids: Sequence[str]) -> dict[str, Rules]:
        """As CommentStore.rules_of."""
        found: dict[str, Rules] = {}
        for begin in range(0, len(video_ids), _MANY_AT_ONCE):
            some = dict.fromkeys(video_ids[begin : begin + _MANY_AT_ONCE])
            items = await self._session.get_all([key(_pk(one), _VIDEO_SK) for one in some])
            of = {item["pk"]["S"]: _rows(item) for item in items}
            for one in some:
                rows = of.get(_pk(one), {})
                if VIDEO in rows:
                    found[one] = RuleRows.of({VIDEO: rows[VIDEO]}).video.rules
        return found

    async def note_waiting(self, video_id: str) -> None:
        """As ports.RuleTable.note_waiting."""
        ends_s = int(time.time()) + KEEP_WAITING_S
        with suppress(StoreUnavailable):
            await self._session.put({**key(_pk(video_id), _WAITING_SK), "ttl": n(ends_s)})

    async def write(self, video_id: str, changes: Sequence[Change]) -> bool:
        """As ports.RuleTable.write."""
        of_video = [change for change in changes if change.part in _NAMES]
        of_authors = [change for change in changes if change.part not in _NAMES]
        if of_authors and not video_id:
            return await self._write_for_all(of_authors)
        writes = [[change] for change in of_authors]
        if of_video:
            writes.insert(0, of_video)
        for write in writes:
            if not await self._write(video_id, write):
                return False
        return True

    async def list_sanctions(self, video_id: str, limit: int, after: str) -> list[Sanction]:
        """As CommentStore.sanctions."""
        found: list[Sanction] = []
        while len(found) < limit:
            # Where it begins is in it; the values of a key may not say "after".
            items = await self._session.query_all(
                KeyConditionExpression="pk = :pk AND sk BETWEEN :from AND :end",
                ExpressionAttributeValues={
                    ":pk": s(_pk(video_id)),
                    ":from": s(_AUTHOR + after),
                    ":end": s(_AFTER_AUTHORS),
                },
                limit=_LISTED_AT_ONCE,
            )
            new = [item for item in items if item["sk"]["S"] != _AUTHOR + after]
            said = [decode_sanction(_row(item, _OF_AUTHOR).body) for item in new]
            found += [one for one in said if one.until_ms is not None]
            if len(items) < _LISTED_AT_ONCE:
                break
            after = items[-1]["sk"]["S"].removeprefix(_AUTHOR)
        return found[:limit]

    async def _write_for_all(self, of_authors: Sequence[Change]) -> bool:
        """What is said of authors on every video, and the version that says so to all."""
        for change in of_authors:
            if not await self._write("", [change], untold=True):
                return False
            reach(Failpoint.WRITER_RULED)
            await self._tell(_sort_key(change.part), change.row.version or 0)
        return True

    async def _tell(self, sort_key: str, version: int) -> Row:
        """Move the version of every video's rules, and take the mark from an author's part unless
        that is of a later version; VIDEO as it is then.
        """
        deadline = time.monotonic() + SETTLE_WITHIN_S
        for attempt in count(1):
            rows = await self.fetch("", serial=True)
            rules = rows.video.rules
            told = msgspec.structs.replace(rules, sanctions=True, version=rules.version + 1)
            change = rows.change(VIDEO, msgspec.structs.replace(rows.video, rules=told))
            if await self._write("", [change]):
                break
            try:
                await pause(attempt, deadline)
            except TimeoutError as exc:
                raise StoreUnavailable("whether all are told is unknown") from exc
        with suppress(ConditionFailed):
            await self._session.write(
                "update_item",
                Key=key(_pk(""), sort_key),
                UpdateExpression=f"REMOVE {_UNTOLD}",
                ConditionExpression="version = :version",
                ExpressionAttributeValues={":version": n(version)},
            )
        return change.row

    async def _write(
        self, video_id: str, changes: Sequence[Change], *, untold: bool = False
    ) -> bool:
        """Parts of one item."""
        update = _update(_pk(video_id), changes)
        if untold:
            update["UpdateExpression"] += f", {_UNTOLD} = :untold"
            update["ExpressionAttributeValues"][":untold"] = n(1)
        try:
            await self._session.change("update_item", **update)
        except ConditionFailed:
            return False
        except Unanswered:
            found = await self.fetch(video_id, [change.part for change in changes], serial=True)
            return all(found.rows.get(change.part) == change.row for change in changes)
        return True


def _pk(video_id: str) -> str:
    return f"rules|{video_id or SITE}"


def _sort_key(part: str) -> str:
    if part in _NAMES:
        return _VIDEO_SK
    return _WAITING_SK if part == WAITING else _AUTHOR + part


def _rows(item: Attributes) -> dict[str, Row]:
    """The parts that an item is of."""
    sk = item["sk"]["S"]
    if sk == _WAITING_SK:
        return {} if is_gone(item) else {WAITING: Row(0, b"")}
    if sk != _VIDEO_SK:
        return {sk.removeprefix(_AUTHOR): _row(item, _OF_AUTHOR)}
    return {part: _row(item, names) for part, names in _NAMES.items() if names[0] in item}


def _row(item: Attributes, names: tuple[str, str]) -> Row:
    version, body = names
    raw = bytes_in(item, body) or b""
    return Row(number_in(item, version), zlib.decompress(raw) if raw else b"")


def _update(pk: str, changes: Sequence[Change]) -> dict[str, Any]:
    """What changes them in the item that has all of these parts."""
    sets: list[str] = []
    conditions: list[str] = []
    values: dict[str, Item] = {}
    for place, change in enumerate(changes):
        version, body = _NAMES.get(change.part, _OF_AUTHOR)
        sets += [f"{version} = :version{place}", f"{body} = :body{place}"]
        values |= {
            f":version{place}": n(change.row.version or 0),
            f":body{place}": b(zlib.compress(change.body) if change.body else b""),
        }
        if change.before is None:
            conditions.append(f"attribute_not_exists({version})")
        else:
            conditions.append(f"{version} = :before{place}")
            values[f":before{place}"] = n(change.before)
    return {
        "Key": key(pk, _sort_key(changes[0].part)),
        "UpdateExpression": f"SET {', '.join(sets)}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeValues": values,
    }
