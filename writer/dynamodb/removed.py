"""What is kept of removed comments in DynamoDB: see `stepwise.remains`. The rows of BUCKET numbers
are one item, which stays; each text is an item of its own, which goes.

Invariants: a row changes only if it is as it was read, under a condition on the version of its
item. `gen` moves with each change that says what the text of a row is to be; the text is written
after that, and only if none of a later change is there. That there is to be no text is written too,
so that one that comes late does not bring it back.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice

import msgspec

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
    s,
    seq_key,
    seq_of,
)
from writer.dynamodb.session import DynamoSession
from writer.stepwise.errors import Unanswered
from writer.stepwise.pausing import SETTLE_WITHIN_S, pause
from writer.stepwise.remains import NOTHING, Remains

BUCKET = 50  # numbers; many comments are removed by few calls, and one call costs two units at most
_TEXTS_AT_ONCE = 32  # of the session's calls


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """As Remains, without the text. gen: of the text, the stamp of the Remains."""

    since: int | None = None
    notice: int | None = None
    restoring: int | None = None
    restored: int | None = None
    gen: int = 0

    def remains(self, raw: bytes | None) -> Remains:
        return Remains(raw, self.since, self.notice, self.restoring, self.restored, self.gen)


_Rows = dict[int, _Row]
_Edit = Callable[[_Rows], _Rows | None]  # the rows that change; None: one is not as it was found
_NO_ROW = _Row()
_rows = msgspec.json.Decoder(_Rows)


class DynamoRemoved:
    """Implements `ports.RemovedRows`. kept_s: for how long the text of a removed comment stays."""

    def __init__(self, session: DynamoSession, kept_s: float) -> None:
        self._session = session
        self._kept_s = max(int(kept_s), 1)

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> dict[int, Remains]:
        """As ports.RemovedRows.fetch."""
        wanted = set(seqs)
        items = await self._session.get_all(
            [_rows_key(video_id, bucket) for bucket in _by_bucket(wanted)]
        )
        rows = {seq: row for item in items for seq, row in _decode(item).items() if seq in wanted}
        kept = await self._session.get_all([_text_key(video_id, seq) for seq in rows])
        texts = _texts(kept)
        return {seq: row.remains(texts.get(seq)) for seq, row in rows.items()}

    async def fetch_texts(self, video_id: str, after: int, through: int) -> dict[int, bytes]:
        """As ports.RemovedRows.fetch_texts."""
        items = await self._session.query_all(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": s(_texts_of(video_id)),
                ":first": s(seq_key(after + 1)),
                ":last": s(seq_key(through)),
            },
        )
        return _texts(items)

    async def keep(
        self,
        video_id: str,
        raws: Mapping[int, bytes],
        found: Mapping[int, Remains],
        since: int,
    ) -> bool:
        """As ports.RemovedRows.keep; False also if nobody knows whether a row is changed."""
        sinces = dict.fromkeys(raws, since)
        return await self._keep(video_id, raws, found, sinces)

    async def destroy(self, video_id: str, found: Mapping[int, Remains]) -> bool:
        """As ports.RemovedRows.destroy."""
        sinces = {seq: remains.since for seq, remains in found.items()}
        return await self._keep(video_id, dict.fromkeys(found), found, sinces)

    async def note_notice(self, video_id: str, sinces: Mapping[int, int], notice: int) -> None:
        """As ports.RemovedRows.note_notice."""

        def edit(rows: _Rows) -> _Rows:
            return {
                seq: msgspec.structs.replace(row, notice=notice)
                for seq, row in rows.items()
                if seq in sinces and row.since == sinces[seq]
            }

        with suppress(StoreUnavailable):
            await self._edit_all(video_id, _by_bucket(sinces), lambda _: edit)

    async def begin_restoring(
        self, video_id: str, seq: int, found: Remains, begun: Remains
    ) -> bool:
        """As ports.RemovedRows.begin_restoring; False also if that is unknown."""
        new = {"restoring": begun.restoring, "restored": begun.restored}

        def edit(rows: _Rows) -> _Rows | None:
            row = rows.get(seq, _NO_ROW)
            before = (found.since, found.restoring, found.stamp)
            if (row.since, row.restoring, row.gen) != before:
                return None
            return {seq: msgspec.structs.replace(row, **new)}

        return await self._edit(video_id, _bucket_of(seq), edit)

    async def end_restoring(self, video_id: str, seq: int, since: int, ended: Remains) -> None:
        """As ports.RemovedRows.end_restoring."""

        def edit(rows: _Rows) -> _Rows | None:
            row = rows.get(seq, _NO_ROW)
            if row.restoring != since:
                return None
            return {seq: msgspec.structs.replace(row, restoring=None, restored=ended.restored)}

        with suppress(StoreUnavailable):
            await self._edit(video_id, _bucket_of(seq), edit)

    async def _keep(
        self,
        video_id: str,
        raws: Mapping[int, bytes | None],
        found: Mapping[int, Remains],
        sinces: Mapping[int, int | None],
    ) -> bool:
        gens: dict[int, int] = {}

        def edit_of(seqs: list[int]) -> _Edit:
            def edit(rows: _Rows) -> _Rows | None:
                before = {seq: rows.get(seq, _NO_ROW) for seq in seqs}
                if any(row.since != found.get(seq, NOTHING).since for seq, row in before.items()):
                    return None
                gens.update({seq: row.gen + 1 for seq, row in before.items()})
                return {
                    seq: msgspec.structs.replace(row, since=sinces[seq], gen=gens[seq])
                    for seq, row in before.items()
                }

            return edit

        if not await self._edit_all(video_id, _by_bucket(raws), edit_of):
            return False
        writes = (self._write_text(video_id, seq, raw, gens[seq]) for seq, raw in raws.items())
        while some := list(islice(writes, _TEXTS_AT_ONCE)):
            await asyncio.gather(*some)
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

    async def _edit_all(
        self,
        video_id: str,
        buckets: Mapping[int, list[int]],
        edit_of: Callable[[list[int]], _Edit],
    ) -> bool:
        return all(
            await asyncio.gather(
                *(self._edit(video_id, bucket, edit_of(seqs)) for bucket, seqs in buckets.items())
            )
        )

    async def _edit(self, video_id: str, bucket: int, edit: _Edit) -> bool:
        """Whether the rows are changed as `edit` says; False if it says None, or if nobody knows:
        whoever reads them again sees what they are.
        """
        deadline, attempt = time.monotonic() + SETTLE_WITHIN_S, 0
        while True:
            item = await self._session.get(_rows_key(video_id, bucket)) or {}
            rows, version = _decode(item), number_in(item, "version") or 0
            changed = edit(rows)
            if not changed:
                return changed is not None
            try:
                await self._session.change(
                    "put_item", **_put(video_id, bucket, rows | changed, version)
                )
            except Unanswered:
                return False
            except ConditionFailed:  # perhaps only another row of the same item was changed
                attempt += 1
                try:
                    await pause(attempt, deadline)
                except TimeoutError as exc:
                    raise StoreUnavailable("others change what is kept each time") from exc
            else:
                return True


def _put(video_id: str, bucket: int, rows: _Rows, version: int) -> dict[str, object]:
    """What writes these rows, if the version of their item is still this one."""
    item = {
        **_rows_key(video_id, bucket),
        "version": n(version + 1),
        "rows": b(msgspec.json.encode(rows)),
    }
    if not version:
        return {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "Item": item,
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": n(version)},
    }


def _decode(item: Attributes) -> _Rows:
    raw = bytes_in(item, "rows")
    return {} if raw is None else _rows.decode(raw)


def _bucket_of(seq: int) -> int:
    return (seq - 1) // BUCKET


def _by_bucket(seqs: Iterable[int]) -> dict[int, list[int]]:
    buckets: dict[int, list[int]] = defaultdict(list)
    for seq in seqs:
        buckets[_bucket_of(seq)].append(seq)
    return buckets


def _rows_key(video_id: str, bucket: int) -> Item:
    return key(f"removed|{video_id}", seq_key(bucket))


def _text_key(video_id: str, seq: int) -> Item:
    return key(_texts_of(video_id), seq_key(seq))


def _texts_of(video_id: str) -> str:
    return f"text|{video_id}"


def _texts(items: Iterable[Attributes]) -> dict[int, bytes]:
    now_s = time.time()
    found = {seq_of(item): bytes_in(item, "raw") for item in items if not is_gone(item, now_s)}
    return {seq: raw for seq, raw in found.items() if raw is not None}
