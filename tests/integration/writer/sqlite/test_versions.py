"""Files of other versions of the program."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.contracts.test_rules import authored
from tests.support import started
from wire.comment import NewComment, encode_comment
from wire.entry import RemovedBy
from wire.errors import StoreUnavailable
from writer.redaction import Removal
from writer.sqlite import file as sqlite_file
from writer.sqlite.scrub import UNSCRUBBED
from writer.sqlite.store import SqliteStore
from writer.store import Item

AT = "2030-01-01T00:00:00.000Z"
EPOCH = "a" * 12
ANN, SECRET = "u_ann", "VERYSECRET"
STEPS = ("schema.sql", "version-2.sql", "version-3.sql")


def written(text: str, author_id: str = ANN) -> NewComment:
    return NewComment("Ann", text, author_id)


def make_old(path: Path, version: int) -> None:
    """A file as a program of that version left it, with two comments of Ann and one of nobody."""
    folder = Path(sqlite_file.__file__).parent
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for step in STEPS[:version]:
            for statement in (folder / step).read_text().split(";\n"):
                connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('epoch', ?)", (EPOCH,))
        said = [written(f"{SECRET} 1"), NewComment("Bob", "hi"), written(f"{SECRET} 2")]
        rows = [
            ("v", seq, encode_comment(EPOCH, "v", seq, one, AT)) for seq, one in enumerate(said, 1)
        ]
        # Text that was deleted in an older version may still be in its pages.
        stale = [("w", seq, f"{SECRET} {seq}".encode() * 50) for seq in range(1, 50)]
        connection.executemany("INSERT INTO comments VALUES (?, ?, ?)", rows + stale)
        connection.execute("DELETE FROM comments WHERE video_id = 'w'")
        connection.execute("INSERT INTO heads VALUES ('v', 3)")
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()


@pytest.mark.parametrize("version", [1, 2])
async def test_a_file_of_an_older_version_is_brought_forward(tmp_path: Path, version: int) -> None:
    path = tmp_path / "c.db"
    make_old(path, version)
    async with started(SqliteStore(path)) as store:
        assert await store.epoch() == EPOCH
        assert (await store.range("v", 0, 10)).head == 3
        assert await authored(store, ANN) == [1, 3]
        (done,) = await store.append("v", [Item(written("three"), None, AT)])
        assert done.seq == 4
        assert await authored(store, ANN) == [1, 3, 4]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        query = "SELECT count(*) FROM meta WHERE name = ?"
        assert connection.execute(query, (UNSCRUBBED,)).fetchone() == (1,)
    connection.close()


async def test_what_an_older_version_left_in_its_pages_goes_too(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    make_old(path, 2)
    assert SECRET.encode() in path.read_bytes()
    async with started(SqliteStore(path)) as store:
        await store.redact("v", Removal((1, 3), RemovedBy.ERASURE), AT)
        await store.moderation.scrub()
        assert not [one for one in tmp_path.iterdir() if SECRET.encode() in one.read_bytes()]
        await store.moderation.scrub()
        assert (await store.range("v", 0, 10)).head == 4


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    make_old(path, len(STEPS))
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    connection.close()
    async with started(SqliteStore(path)) as store:
        with pytest.raises(StoreUnavailable):
            await store.range("v", 0, 10)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 1,)
    connection.close()
