"""Stores that programs of earlier schema versions have made (`old_stores/`), under a writer of
today; and one that a later program has made.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.ca import DevelopmentCa
from tests.cassandra_server import CassandraServer
from tests.identity_variables import with_keys
from tests.integration.writer.writer_process import WriterProcess
from tests.keyspace import Keyspace
from tests.support import started
from tests.tokens import Signer, roles
from writer.cassandra.schema import SCHEMA_VERSION as CASSANDRA_VERSION
from writer.cassandra.schema import statements_of
from writer.sqlite.file import SCHEMA_VERSION as SQLITE_VERSION

OLD = Path(__file__).with_name("old_stores")
TEXTS = ("first", "zwölf Ärzte 🎉", "bad words", "worse words", "said again")
# Nobody is there: posts are stored all the same.
ALONE = {"TOPOLOGY": "broadcast", "REDIS_URL": "redis://127.0.0.1:9"}
SIGNER = Signer()
V = "/v1/videos/launch"


@dataclass
class OldStore:
    """A writer of today on an old store."""

    version: int
    writer: WriterProcess

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """As a moderator; status and document."""
        assert self.writer.client is not None
        token = SIGNER.token(name="Mia", **roles(launch="moderator"))
        url = f"http://127.0.0.1:{self.writer.public}{path}"
        headers = {"Authorization": f"Bearer {token}"}
        async with self.writer.client.request(method, url, json=body, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def entries(self) -> list[Any]:
        """The log of `launch`."""
        found: list[Any] = (await self.ask("GET", f"{V}/entries?limit=200"))[1]["entries"]
        return found

    async def replay(self, number: int) -> tuple[int, Any]:
        """Post again what was posted under a key."""
        assert self.writer.client is not None
        url = f"http://127.0.0.1:{self.writer.public}{V}/comments"
        body = {"author": "zoë", "text": TEXTS[number - 1]}
        headers = {"Idempotency-Key": f"key-{number}"}
        async with self.writer.client.post(url, json=body, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)


def load_sqlite(path: Path, version: int) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((OLD / f"sqlite-version-{version}.sql").read_text())
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("UPDATE keys SET used_at = ?", (time.time(),))
        if version > 1:
            connection.execute("UPDATE removed SET removed_at = ?", (time.time(),))
        connection.commit()
    return {"SQLITE_PATH": str(path)}


def load_cassandra(keyspace: Keyspace, version: int) -> dict[str, str]:
    text = (OLD / f"cassandra-version-{version}.cql").read_text()
    with keyspace.session() as session:
        for statement in statements_of(text.replace("{keyspace}", keyspace.name)):
            session.execute(statement, timeout=60)
    return cassandra_variables(keyspace)


def cassandra_variables(keyspace: Keyspace) -> dict[str, str]:
    return {
        "STORE": "cassandra",
        "CASSANDRA": f"{keyspace.host}:{keyspace.port}",
        "CASSANDRA_KEYSPACE": keyspace.name,
    }


def writer_on(folder: Path, variables: dict[str, str]) -> WriterProcess:
    variables = variables | ALONE | with_keys(folder, SIGNER)
    return WriterProcess(DevelopmentCa.new(), folder, "w1", "127.0.0.1:9", variables)


@pytest.fixture
def keyspace(cassandra_server: CassandraServer) -> Iterator[Keyspace]:
    keyspace = Keyspace.new(cassandra_server)
    yield keyspace
    keyspace.drop()


@pytest.fixture(params=["sqlite-1", "sqlite-2", "cassandra-1", "cassandra-2"])
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[int, dict[str, str]]:
    """The version of a store, and what a writer is told of it. Not async: a server that has to be
    started for it starts under a loop of its own.
    """
    kind, _, number = request.param.partition("-")
    version = int(number)
    if kind == "sqlite":
        return version, load_sqlite(tmp_path / "comments.db", version)
    return version, load_cassandra(request.getfixturevalue("keyspace"), version)


@pytest.fixture
async def old(loaded: tuple[int, dict[str, str]], tmp_path: Path) -> AsyncIterator[OldStore]:
    version, variables = loaded
    async with started(writer_on(tmp_path, variables)) as writer:
        yield OldStore(version, writer)


async def test_a_store_of_an_earlier_program_is_whole_under_this_one(old: OldStore) -> None:
    """Heads, texts, keys; then its comments are removed and restored as new ones are."""
    entries = await old.entries()
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    kinds = [entry.get("type", "comment") for entry in entries]
    if old.version == 1:
        assert kinds == ["comment"] * 5
        assert tuple(entry["text"] for entry in entries) == TEXTS
    else:
        hidden = ["comment"] * 2 + ["tombstone"] * 2 + ["comment"] * 2
        assert kinds == [*hidden, "removed", "removed", "restored"]
        assert [entries[n]["text"] for n in (0, 1, 4, 5)] == [*TEXTS[:2], TEXTS[4], "from bob"]
        assert entries[5]["author_id"].startswith("u_")
    other = await old.ask("GET", "/v1/videos/other/comments")
    assert [one["text"] for one in other[1]["comments"]] == ["elsewhere"]

    assert await old.replay(1) == (200, entries[0])
    assert await old.replay(5) == (200, entries[4])
    status, problem = await old.replay(3)
    assert (status, problem.get("code")) == ((200, None) if old.version == 1 else (410, "removed"))
    if old.version > 1:
        status, restored = await old.ask("POST", f"{V}/comments/4/restore")
        assert (status, restored["text"]) == (200, TEXTS[3])
    assert (await old.ask("DELETE", f"{V}/comments/2"))[0] == 200
    assert (await old.ask("GET", f"{V}/comments/2"))[0] == 410
    status, comment = await old.ask("POST", f"{V}/comments", {"text": "new"})
    notices = old.version  # of the restoration, if there was something to restore; of the removal
    assert (status, comment["seq"]) == (201, len(entries) + notices + 1)
    status, settings = await old.ask("PATCH", f"{V}/settings", {"closed": True})
    assert (status, settings["closed"]) == (200, True)
    after = await old.entries()
    assert not any(TEXTS[1] in str(entry) for entry in after)


async def assert_refused(writer: WriterProcess, found: int, known: int) -> None:
    """It ends at once, and says once what to do."""
    process = await writer.spawn()
    try:
        assert await process.wait() == 2
    finally:
        if process.returncode is None:
            process.kill()
    lines = writer.log.read_text().splitlines()
    (line,) = [line for line in lines if "schema version" in line]
    assert line == (
        f"configuration: the store has schema version {found}, and this program knows versions up"
        f" to {known}: start the later version of livecomments that has used this store, or put"
        " back a backup from before"
    )
    assert not [one for one in lines if '"level": "error"' in one or "Traceback" in one]


async def test_a_writer_ends_on_a_file_of_a_later_program(tmp_path: Path) -> None:
    path, later = tmp_path / "comments.db", SQLITE_VERSION + 1
    variables = load_sqlite(path, 2)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={later}")
    await assert_refused(writer_on(tmp_path, variables), later, SQLITE_VERSION)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (later,)
        assert connection.execute("SELECT head FROM heads WHERE video_id = 'launch'").fetchone()


async def test_a_writer_ends_on_a_keyspace_of_a_later_program(
    tmp_path: Path, keyspace: Keyspace
) -> None:
    variables, later = cassandra_variables(keyspace), CASSANDRA_VERSION + 1
    async with started(writer_on(tmp_path, variables)):
        pass
    text = "UPDATE {k}.identity SET schema_version = ? WHERE name = 'store'"
    keyspace.run(text, later)
    writer = writer_on(tmp_path, variables)
    writer.log.unlink()
    await assert_refused(writer, later, CASSANDRA_VERSION)
