"""The embedded store when its disk, file or neighbours misbehave (T29, T30): it heals by itself."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.tasks import TaskHome
from tests.small_disk import SmallDisk, small_disk
from tests.support import eventually, started
from wire.comment import NewComment
from wire.errors import StoreUnavailable
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.sqlite.store import SqliteStore
from writer.store import Appended, Item, Outcome, StoreReplaced
from writer.testing import ListSink

ROOT = Path(__file__).resolve().parents[4]


def items(count: int, text: str = "x", key: str | None = None) -> list[Item]:
    return [Item(NewComment("ann", text), key, "now") for _ in range(count)]


async def append(store: SqliteStore, text: str = "x", key: str | None = None) -> Appended:
    (result,) = await store.append("v", items(1, text, key))
    return result


def opened(folder: Path) -> AbstractAsyncContextManager[SqliteStore]:
    return started(SqliteStore(folder / "comments.db"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with opened(tmp_path) as store:
        yield store


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", "1m") as disk:
        yield disk


def check_integrity(path: Path) -> int:
    """How many comments a sound file holds."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT count(*) FROM comments").fetchone()[0])
    finally:
        connection.close()


async def fill_up(store: SqliteStore) -> int:
    """Append until the store refuses; how many it took."""
    stored = 0
    while True:
        try:
            stored += len(await store.append("v", items(50, "x" * 400)))
        except StoreUnavailable:
            return stored


async def test_a_full_disk_refuses_and_heals_when_there_is_space(disk: SmallDisk) -> None:
    ballast = disk.path / "ballast"
    ballast.write_bytes(bytes(300_000))
    store = SqliteStore(disk.path / "comments.db")
    await store.start()
    stored = await fill_up(store)
    assert stored > 0
    with pytest.raises(StoreUnavailable):
        await store.append("v", items(500, "x" * 400))
    assert (await store.range("v", 0, 10**9)).head == stored  # reads go on
    ballast.unlink()
    assert (await append(store)).seq == stored + 1
    await store.stop()
    assert check_integrity(disk.path / "comments.db") == stored + 1


async def test_a_full_disk_is_found_without_a_post_and_so_is_its_room(disk: SmallDisk) -> None:
    store, tasks = SqliteStore(disk.path / "comments.db"), TaskHome()
    service = CommentService(
        store, ListSink(), tasks, WriterMetrics(CollectorRegistry()), write_tried_after_s=0.0
    )
    await service.start()
    await service.post("v", NewComment("ann", "x"), None)
    await service.check()
    assert service.store_problem is None
    disk.fill()
    await service.check()
    assert str(service.store_problem).startswith("last write: ")
    assert (await service.heads(["v"])).heads == {"v": 1}  # reads go on
    disk.free()
    await service.check()
    assert service.store_problem is None
    assert (await service.post("v", NewComment("ann", "y"), None)).seq == 2
    await service.stop()
    await tasks.aclose()


async def refused_until(heal: Callable[[], object], store: SqliteStore) -> int:
    """The number of a comment that was refused before."""
    with pytest.raises(StoreUnavailable):
        await append(store)
    heal()
    return (await append(store)).seq


def remount(disk: SmallDisk, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk.path)], check=True)


async def test_a_disk_that_was_full_at_the_start_needs_no_restart(disk: SmallDisk) -> None:
    async with opened(disk.path) as store:
        assert (await append(store)).seq == 1
    disk.fill()
    async with opened(disk.path) as store:
        assert await refused_until(disk.free, store) == 2


async def test_a_disk_without_inodes_refuses_and_heals(tmp_path: Path) -> None:
    """The file is there, but not what SQLite needs beside it."""
    with small_disk(tmp_path / "small", "1m", nr_inodes="2") as disk:
        async with opened(disk.path) as store:
            assert await refused_until(lambda: remount(disk, "nr_inodes=10"), store) == 1


async def test_a_disk_that_turns_read_only_refuses_and_heals(disk: SmallDisk) -> None:
    async with opened(disk.path) as store:
        await append(store)
    remount(disk, "ro")
    async with opened(disk.path) as store:
        assert await refused_until(lambda: remount(disk, "rw"), store) == 2


_LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from service.logs import configure_logs
from wire.comment import NewComment
from wire.errors import StoreUnavailable
from writer.sqlite.store import SqliteStore
from writer.store import Item

async def run():
    store = SqliteStore(Path(sys.argv[1]))
    await store.start()
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    stored = 0
    try:
        while True:
            group = [Item(NewComment("a", "x" * 400), None, "now")] * 50
            stored += len(await store.append("v", group))
    except StoreUnavailable:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (result,) = await store.append("v", group[:1])
    print(stored, result.seq)
    await store.stop()

configure_logs(level="error", style="json")
asyncio.run(run())
"""


async def test_a_file_that_may_not_grow_refuses_and_heals(tmp_path: Path) -> None:
    """As a full disk, without root: a limit on the size of files, in a process of its own."""
    path = tmp_path / "comments.db"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LIMITED, str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors
    stored, seq = map(int, output.split())
    assert stored > 0
    assert seq == stored + 1 == check_integrity(path)


async def test_a_folder_that_is_missing_at_the_start_is_waited_for(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "later" / "comments.db")
    await store.start()
    for call in (append(store), store.heads(["v"]), store.epoch()):
        with pytest.raises(StoreUnavailable):
            await call
    (tmp_path / "later").mkdir()
    assert await store.heads(["v"]) == {"v": 0}
    assert (await append(store)).seq == 1
    await store.stop()


@pytest.mark.parametrize("content", [b"this is not a database, but a text" * 100, b"\0" * 8192])
async def test_a_file_that_is_no_store_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "comments.db"
    path.write_bytes(content)
    store = SqliteStore(path)
    await store.start()
    with pytest.raises(StoreUnavailable):
        await append(store)
    await store.stop()
    assert path.read_bytes() == content


async def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "comments.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    store = SqliteStore(path)
    await store.start()
    with pytest.raises(StoreUnavailable):
        await append(store)
    await store.stop()


def swap_in(path: Path, other: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(other, path)


@pytest.mark.parametrize("how", ["replaced", "removed"])
async def test_a_file_that_was_replaced_is_never_written_again(tmp_path: Path, how: str) -> None:
    path, other = tmp_path / "comments.db", tmp_path / "other.db"
    another = SqliteStore(other)
    await another.start()
    await another.stop()
    told: list[StoreReplaced] = []
    store = SqliteStore(path, on_replaced=told.append)
    await store.start()
    await append(store)
    if how == "replaced":
        swap_in(path, other)
    else:
        path.unlink()
    with pytest.raises(StoreReplaced):
        await append(store)
    with pytest.raises(StoreReplaced):
        await store.heads(["v"])
    with pytest.raises(StoreReplaced):
        await store.check()
    assert len(told) == 3
    await store.stop()
    if how == "replaced":
        assert check_integrity(path) == 0
    else:
        assert not path.exists()


async def test_a_new_epoch_in_the_same_file_is_a_replacement(
    store: SqliteStore, tmp_path: Path
) -> None:
    await append(store)
    connection = sqlite3.connect(tmp_path / "comments.db", timeout=20)
    with connection:
        connection.execute("UPDATE meta SET value = 'aaaaaaaaaaaa' WHERE name = 'epoch'")
    connection.close()
    with pytest.raises(StoreReplaced):
        await append(store)
    with pytest.raises(StoreReplaced):
        await store.heads(["v"])
    with pytest.raises(StoreReplaced):
        await store.check()


async def test_a_file_made_anew_has_another_epoch(tmp_path: Path) -> None:
    epochs = []
    for _ in range(2):
        store = SqliteStore(tmp_path / "comments.db")
        await store.start()
        epochs.append(await store.epoch())
        await store.stop()
        (tmp_path / "comments.db").unlink()
    assert epochs[0] != epochs[1]


async def test_a_short_lock_is_waited_for(store: SqliteStore, tmp_path: Path) -> None:
    await store.epoch()
    other = sqlite3.connect(tmp_path / "comments.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(append(store))
    assert await store.heads(["v"]) == {"v": 0}  # reads do not wait for it
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    assert (await waiting).seq == 1


async def test_a_long_lock_refuses_and_heals(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "comments.db", busy_bound_s=0.1)
    await store.start()
    other = sqlite3.connect(tmp_path / "comments.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        await append(store)
    other.execute("ROLLBACK")
    other.close()
    assert (await append(store)).seq == 1
    await store.stop()


async def test_what_waits_for_the_lock_shares_one_commit(
    store: SqliteStore, tmp_path: Path
) -> None:
    """Many videos, one transaction: what one fsync serves."""
    other = sqlite3.connect(tmp_path / "comments.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = store.commits
    waiting = [asyncio.ensure_future(store.append(f"v{n}", items(1))) for n in range(50)]
    await eventually(lambda: store.queues["store_writes"] >= 49)
    other.execute("ROLLBACK")
    other.close()
    results = await asyncio.gather(*waiting)
    assert {result.seq for (result,) in results} == {1}
    assert store.commits == before + 1


async def test_old_keys_are_forgotten_and_young_ones_are_not(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    swept: list[int] = []
    store = SqliteStore(tmp_path / "comments.db", now=lambda: clock[0], on_swept=swept.append)
    await store.start()
    await append(store, key="old")
    clock[0] += 24 * 3600.0
    assert (await append(store, key="old")).outcome is Outcome.REPLAYED
    await append(store, key="young")
    await store.stop()
    clock[0] += 3700.0
    store = SqliteStore(tmp_path / "comments.db", now=lambda: clock[0], on_swept=swept.append)
    await store.start()
    await append(store)
    await eventually(lambda: swept == [1])
    assert (await append(store, key="young")).outcome is Outcome.REPLAYED
    assert (await append(store, key="old")).outcome is Outcome.NEW
    await store.stop()


async def test_many_old_keys_are_forgotten_a_piece_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.sqlite.store.SWEEP_ROWS", 10)
    clock = [1_000_000.0]
    swept: list[int] = []
    store = SqliteStore(tmp_path / "comments.db", now=lambda: clock[0], on_swept=swept.append)
    await store.start()
    keyed = [Item(NewComment("a", "x"), f"k{number}", "now") for number in range(25)]
    await store.append("v", keyed)
    await store.stop()
    clock[0] += 26 * 3600.0
    store = SqliteStore(tmp_path / "comments.db", now=lambda: clock[0], on_swept=swept.append)
    await store.start()
    for count in (1, 2, 3):
        await append(store)
        await eventually(lambda count=count: len(swept) >= count)
    assert swept == [10, 10, 5]
    await store.stop()


async def test_a_process_stopped_with_the_lock_blocks_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "comments.db"
    store = SqliteStore(path, busy_bound_s=0.2)
    await store.start()
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await append(store)
    process.kill()
    await process.wait()
    assert (await append(store)).seq == 1
    await store.stop()
