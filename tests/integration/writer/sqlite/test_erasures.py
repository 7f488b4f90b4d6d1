"""What becomes of texts in the embedded store's files, and erasures that only the ledger knows."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import eventually, started
from wire.comment import NewComment
from wire.entry import RemovedBy
from wire.errors import CommentRemoved, StoreUnavailable
from writer.ledger import Ledger
from writer.moderation_store import Erasure
from writer.redaction import Removal, Restoration
from writer.sqlite import scrub
from writer.sqlite.store import SWEEP_ROWS, SqliteStore
from writer.store import Item

AT = "2030-01-01T00:00:00.000Z"
ANN, BOB = "u_0123456789abcdefghijkl", "u_0123456789abcdefghijkm"
SECRET = "VERYSECRET"


def item(text: str, author_id: str = ANN) -> Item:
    return Item(NewComment("Ann", text, author_id), None, AT)


def back_up(path: Path, backup: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))


def put_back(backup: Path, path: Path) -> None:
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    path.write_bytes(backup.read_bytes())


async def erased(store: SqliteStore, at_ms: int) -> None:
    await store.moderation.note_erasure(Erasure(ANN, at_ms, False))
    await store.moderation.note_erasure(Erasure(ANN, at_ms, True))


async def test_a_backup_learns_of_erasures_from_the_ledger(tmp_path: Path) -> None:
    path, backup = tmp_path / "c.db", tmp_path / "backup.db"
    async with started(SqliteStore(path)) as store:
        await store.append("v", [item(SECRET)])
        back_up(path, backup)
        await erased(store, 5)
        assert await store.moderation.open_erasures(10) == []
    put_back(backup, path)
    async with started(SqliteStore(path)) as store:
        undone = [Erasure(ANN, 5, False, restored=True)]
        for _ in range(2):
            assert await store.moderation.open_erasures(10) == undone
        assert await store.moderation.find_erasure(ANN) == undone[0]
        await store.moderation.note_erasure(Erasure(ANN, 5, True))
        assert await store.moderation.open_erasures(10) == []
        assert await store.moderation.find_erasure(ANN) == Erasure(ANN, 5, True)


async def test_a_backup_from_between_two_erasures_learns_of_the_second(tmp_path: Path) -> None:
    path, backup = tmp_path / "c.db", tmp_path / "backup.db"
    async with started(SqliteStore(path)) as store:
        await erased(store, 5)
        await store.append("v", [item(SECRET)])
        back_up(path, backup)
        await erased(store, 9)
    put_back(backup, path)
    async with started(SqliteStore(path)) as store:
        undone = Erasure(ANN, 9, False, restored=True)
        assert await store.moderation.find_erasure(ANN) == undone
        assert await store.moderation.open_erasures(10) == [undone]


def test_a_ledger_has_the_latest_time_of_each_author(tmp_path: Path) -> None:
    path = tmp_path / "c.db.erasures"
    ledger, other = Ledger(path), Ledger(path)
    assert ledger.read().at_ms == {}
    for author_id, at_ms in ((ANN, 5), (BOB, 6), (ANN, 5), (ANN, 9), (ANN, 7)):
        ledger.add(author_id, at_ms)
        assert other.read().at_ms[author_id] == max(at_ms, 9 * (at_ms == 7))
    assert other.read().at_ms == {ANN: 9, BOB: 6}
    assert len((tmp_path / "c.db.erasures").read_text().split("\n\n")) == 3, "a line for each"


@pytest.mark.parametrize("line", ["u_$ 5", f"{ANN} x", f"{ANN} -5", f"{ANN} 5 6", "\x00", ""])
def test_a_line_that_cannot_be_read_is_none(tmp_path: Path, line: str) -> None:
    (tmp_path / "c.db.erasures").write_text(f"{line}\n{BOB}\n")
    assert Ledger(tmp_path / "c.db.erasures").read().at_ms == {BOB: 0}, (
        "one of an earlier release counts"
    )


def test_a_ledger_that_cannot_be_used_is_the_store_that_cannot(tmp_path: Path) -> None:
    (tmp_path / "c.db.erasures").mkdir()
    with pytest.raises(StoreUnavailable):
        Ledger(tmp_path / "c.db.erasures").read()
    with pytest.raises(StoreUnavailable):
        Ledger(tmp_path / "c.db.erasures").add(ANN, 5)


async def test_removed_texts_are_destroyed_when_their_time_is_over(tmp_path: Path) -> None:
    """All of them, however many; that they were removed stays known."""
    path, clock = tmp_path / "c.db", [1_000_000.0]
    count = SWEEP_ROWS + 200
    async with started(SqliteStore(path, removed_kept_s=100.0, now=lambda: clock[0])) as store:
        for first in range(0, count, 200):
            texts = [item(f"{SECRET} {number}") for number in range(first, first + 200)]
            await store.append("v", texts)
            seqs = tuple(range(first + 1 + first // 200, first + 201 + first // 200))
            await store.redact("v", Removal(seqs, RemovedBy.MODERATOR), AT)
        await store.redact("v", Restoration(1), AT)
        clock[0] += 99.0
        store._next_sweep = 0.0
        await store.append("v", [item("one")])
        assert (await store.redact("v", Restoration(2), AT)).comment
        clock[0] += 2.0
        store._next_sweep = 0.0
        for text in ("two", "three", "four"):  # each commit is followed by a part of it
            await store.append("v", [item(text)])
        head = (await store.heads(["v"]))["v"]
        with pytest.raises(CommentRemoved):
            await store.redact("v", Restoration(3), AT)
        again = await store.redact("v", Removal((3,), RemovedBy.MODERATOR), AT)
        assert again.notice is None
        assert [seq for seq, _ in again.notices] == [201]
        shown = await store.authored(ANN, "v", 0, count)
        assert shown.seqs[:2] == (1, 2)
        assert (await store.heads(["v"]))["v"] == head
        await store.moderation.scrub()
        left = [SECRET.encode() + b' %d"' % number for number in range(2, count)]
        files = [file.read_bytes() for file in tmp_path.iterdir()]
        assert not [text for text in left if any(text in data for data in files)]


async def test_posts_go_on_while_a_reader_keeps_the_log_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, tries = tmp_path / "c.db", list[bool]()
    truncated = scrub._truncated

    def noted(connection: sqlite3.Connection) -> bool:
        tries.append(False)
        return truncated(connection)

    monkeypatch.setattr(scrub, "_truncated", noted)
    async with started(SqliteStore(path)) as store:
        await store.append("v", [item("one")])
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM comments").fetchone()
            await store.append("v", [item("two")])
            scrubbing = asyncio.create_task(store.moderation.scrub())
            await eventually(lambda: tries)
            while len(tries) < 5:
                await store.append("v", [item("three")])
        await scrubbing
