"""T28: the power goes, and with it everything that was written and not synced. A killed process
cannot show this, because the kernel keeps what it wrote.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.integration.writer.sqlite.test_faults import ROOT, check_integrity
from tests.preload import build
from writer.sqlite.store import SqliteStore

ACKNOWLEDGED = 350  # more than one checkpoint of the write-ahead log
_STORE = """
import asyncio, sys
from pathlib import Path
from service.logs import configure_logs
from wire.comment import NewComment
from writer.sqlite import file
from writer.sqlite.store import SqliteStore
from writer.store import Item

async def run():
    store = SqliteStore(Path(sys.argv[1]))
    await store.start()
    while True:
        (result,) = await store.append("v", [Item(NewComment("a", "x" * 400), None, "now")])
        print(result.seq, flush=True)

configure_logs(level="error", style="json")
file._PRAGMAS = (*file._PRAGMAS, *sys.argv[2:])
asyncio.run(run())
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that keeps what was synced."""
    return build(Path(__file__).with_name("unsynced.c"), tmp_path_factory.mktemp("shim"))


async def acknowledged_before_the_cut(path: Path, shim: Path, *pragmas: str) -> int:
    """Post until the power goes; the last number that was told."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _STORE, str(path), *pragmas),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(shim)},
    )
    assert process.stdout is not None
    told = 0
    while told < ACKNOWLEDGED:
        told = int(await process.stdout.readline())
    process.kill()
    rest = (await process.stdout.read()).split(b"\n")[:-1]  # told before it died
    await process.wait()
    drop_unsynced(path)
    return max([told, *map(int, rest)])


def drop_unsynced(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        file.unlink(missing_ok=True)
        synced = file.with_name(file.name + ".synced")
        if synced.exists():
            synced.rename(file)


async def head_of(path: Path) -> int:
    store = SqliteStore(path)
    await store.start()
    head = (await store.heads(["v"]))["v"]
    await store.stop()
    return head


async def test_what_was_acknowledged_outlives_the_power(tmp_path: Path, shim: Path) -> None:
    path = tmp_path / "comments.db"
    told = await acknowledged_before_the_cut(path, shim)
    head = await head_of(path)
    assert head >= told
    assert check_integrity(path) == head


async def test_a_store_that_does_not_sync_its_commits_is_caught(tmp_path: Path, shim: Path) -> None:
    """Else this test would show nothing."""
    path = tmp_path / "comments.db"
    # Nor by a checkpoint, which may be just where the power goes.
    lax = ("PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=0")
    told = await acknowledged_before_the_cut(path, shim, *lax)
    assert await head_of(path) < told
