from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wire.comment import Comment, NewComment
from wire.errors import StoreUnavailable
from writer.new_epoch import renew_epoch
from writer.sqlite.store import SqliteStore
from writer.store import Item, Outcome


def item(text: str, key: str | None = None) -> Item:
    return Item(NewComment("ann", text), key, "2030-01-01T00:00:00.000Z")


async def test_a_new_epoch_stands_in_every_comment_and_nothing_else_changes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "comments.sqlite3"
    store = SqliteStore(path)
    await store.start()
    old_epoch = await store.epoch()
    texts = ["one", f'{{"id":"{old_epoch}-1"', "\u00fc \U0001f44d", "four"]
    before = [one.raw for one in await store.append("v1", [item(text, text) for text in texts])]
    await store.stop()
    old, new = renew_epoch(path)
    assert old == old_epoch != new
    store = SqliteStore(path)
    await store.start()
    assert await store.epoch() == new
    page = await store.range("v1", 0, 100)
    found = [msgspec.json.decode(raw, type=Comment) for raw in page.comments]
    assert [one.id for one in found] == [f"{new}-{seq}" for seq in range(1, 5)]
    assert [one.text for one in found] == texts
    head = len('{"id":"') + len(new)
    assert [raw[head:] for raw in page.comments] == [raw[head:] for raw in before]
    again, fresh = await store.append("v1", [item("one", "one"), item("five")])
    assert (again.outcome, again.seq, fresh.seq) == (Outcome.REPLAYED, 1, 5)
    await store.stop()


async def test_no_bytes_of_what_was_rewritten_stay_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is destroyed later must not be found in pages that are free since then; also where the
    library does not overwrite them by itself.
    """
    path = tmp_path / "comments.sqlite3"
    store = SqliteStore(path)
    await store.start()
    for _ in range(10):
        await store.append("v", [item("long " * (100 + 37 * place)) for place in range(50)])
    await store.stop()
    connect = sqlite3.connect

    def as_elsewhere(*args: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **more)
        connection.execute("PRAGMA secure_delete=OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", as_elsewhere)
    old, _ = renew_epoch(path)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir() if old.encode() in file.read_bytes()] == []


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no store"):
        renew_epoch(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000])
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable):
        renew_epoch(path)
    assert path.read_bytes() == content


async def test_a_store_that_is_in_use_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "comments.sqlite3"
    store = SqliteStore(path)
    await store.start()
    epoch = await store.epoch()
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        renew_epoch(path)
    lock.close()
    assert await store.epoch() == epoch
    await store.stop()
