"""What is kept of removed comments in DynamoDB: see `stepwise.remains`. A row stays; the text is an
item of its own, which goes.

Invariants: a row changes only under a condition on what was read of it. `gen` moves with each
change of a row that says what its text is to be; the text is written after that, and only if none
of a later change is there. That there is to be no text is written too, so that one that comes late
does not bring it back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from wire.errors import StoreUnavailable
from writer.dynamodb.errors import ConditionFailed
from writer.dynamodb.items import (
    Attributes,
    Item,
    b,
    bytes_in,
    is_gone,
    key,
    n,
    number_in,
    number_of,
    s,
    seq_key,
    seq_of,
)
from writer.dynamodb.session import DynamoSession
from writer.stepwise.errors import Unanswered
from writer.stepwise.remains import NOTHING, Remains

_CHANGES_AT_ONCE = 16  # of the session's calls


class DynamoRemoved:
    """Implements `ports.RemovedRows`. kept_s: for how long the text of a removed comment stays."""

    def __init__(self, session: DynamoSession, kept_s: float) -> None:
        self._session = session
        self._kept_s = max(int(kept_s), 1)

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, Remains]:
        """As ports.RemovedRows.fetch."""
        wanted = set(seqs)
        rows, items = await asyncio.gather(
            self._session.get_all([_row_key(video_id, seq) for seq in wanted]),
            self._session.get_all([_text_key(video_id, seq) for seq in wanted]),
        )
        texts = _texts(items)
        return {seq_of(row): _remains(row, texts.get(seq_of(row))) for row in rows}

    async def fetch_texts(self, video_id: str, first: int, last: int) -> dict[int, bytes]:
        """What is kept of removed comments in first <= seq <= last."""
        items = await self._session.query_all(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": s(_texts_of(video_id)),
                ":first": s(seq_key(first)),
                ":last": s(seq_key(last)),
            },
        )
        return _texts(items)

    async def keep(
        self,
        video_id: str,
        raws: Mapping[int, bytes | None],
        found: Mapping[int, Remains],
        since: int,
    ) -> bool:
        """As ports.RemovedRows.keep; False also if nobody knows whether a row is changed."""
        return await _all(
            self._keep(video_id, seq, found.get(seq, NOTHING), since, raw)
            for seq, raw in raws.items()
        )

    async def destroy(self, video_id: str, found: Mapping[int, Remains]) -> bool:
        """As ports.RemovedRows.destroy."""
        return await _all(
            self._keep(video_id, seq, remains, remains.since, None)
            for seq, remains in found.items()
        )

    async def note_notice(self, video_id: str, sinces: Mapping[int, int], notice: int) -> None:
        """As ports.RemovedRows.note_notice."""
        with suppress(StoreUnavailable):
            await _all(
                self._apply(
                    video_id,
                    seq,
                    "SET notice = :notice",
                    "since = :since",
                    {":notice": n(notice), ":since": n(since)},
                )
                for seq, since in sinces.items()
            )

    async def begin_restoring(
        self, video_id: str, seq: int, found: Remains, begun: Remains
    ) -> bool:
        """As ports.RemovedRows.begin_restoring; False also if that is unknown."""
        assert begun.restoring is not None
        before = {"restoring": found.restoring, "since": found.since}
        condition, values = _as_found(before)
        change = "SET restoring = :new REMOVE restored"
        new = {":new": n(begun.restoring)}
        if begun.restored is not None:
            change = "SET restoring = :new, restored = :restored"
            new[":restored"] = n(begun.restored)
        return await self._apply(video_id, seq, change, condition, {**new, **values})

    async def end_restoring(self, video_id: str, seq: int, since: int, ended: Remains) -> None:
        """As ports.RemovedRows.end_restoring."""
        assert ended.restored is not None
        with suppress(StoreUnavailable):
            await self._apply(
                video_id,
                seq,
                "SET restored = :restored REMOVE restoring",
                "restoring = :since",
                {":restored": n(ended.restored), ":since": n(since)},
            )

    async def _keep(
        self, video_id: str, seq: int, found: Remains, since: int | None, raw: bytes | None
    ) -> bool:
        assert since is not None
        condition, values = _as_found({"since": found.since})
        try:
            reply = await self._session.change(
                "update_item",
                Key=_row_key(video_id, seq),
                UpdateExpression="SET since = :new ADD gen :one",
                ConditionExpression=condition,
                ExpressionAttributeValues={":new": n(since), ":one": n(1), **values},
                ReturnValues="UPDATED_NEW",
            )
        except (ConditionFailed, Unanswered):
            return False  # whoever reads it again sees what it is
        await self._write_text(video_id, seq, raw, number_of(reply["Attributes"]["gen"]))
        return True

    async def _write_text(self, video_id: str, seq: int, raw: bytes | None, gen: int) -> None:
        """Unless one of a later change is there, or an earlier try of this one."""
        item = {
            **_text_key(video_id, seq),
            "gen": n(gen),
            "ttl": n(int(time.time()) + self._kept_s),
        }
        if raw is not None:
            item["raw"] = b(raw)
        with suppress(ConditionFailed):
            await self._session.write(
                "put_item",
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR gen < :gen",
                ExpressionAttributeValues={":gen": n(gen)},
            )

    async def _apply(
        self, video_id: str, seq: int, change: str, condition: str, values: Attributes
    ) -> bool:
        try:
            await self._session.change(
                "update_item",
                Key=_row_key(video_id, seq),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except (ConditionFailed, Unanswered):
            return False
        return True


def _row_key(video_id: str, seq: int) -> Item:
    return key(f"removed|{video_id}", seq_key(seq))


def _text_key(video_id: str, seq: int) -> Item:
    return key(_texts_of(video_id), seq_key(seq))


def _texts_of(video_id: str) -> str:
    return f"text|{video_id}"


def _texts(items: Iterable[Attributes]) -> dict[int, bytes]:
    now_s = time.time()
    found = {seq_of(item): bytes_in(item, "raw") for item in items if not is_gone(item, now_s)}
    return {seq: raw for seq, raw in found.items() if raw is not None}


def _remains(row: Attributes, raw: bytes | None) -> Remains:
    numbers = (number_in(row, name) for name in ("since", "notice", "restoring", "restored"))
    return Remains(raw, *numbers)


def _as_found(numbers: Mapping[str, int | None]) -> tuple[str, dict[str, Any]]:
    """The condition that these attributes are what they were, and its values."""
    parts = [
        f"attribute_not_exists({name})" if number is None else f"{name} = :{name}"
        for name, number in numbers.items()
    ]
    values = {f":{name}": n(number) for name, number in numbers.items() if number is not None}
    return " AND ".join(parts), values


async def _all(changes: Iterator[Awaitable[bool]]) -> bool:
    """Make changes of several rows, some at a time; False if one of them is not made, and then
    those after it may not be tried.
    """
    while some := list(islice(changes, _CHANGES_AT_ONCE)):
        if not all(await asyncio.gather(*some)):
            return False
    return True
