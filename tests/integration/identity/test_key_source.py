"""Key sets from real files and a real https server."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.ca import DevelopmentCa
from identity.key_source import KeyFile, KeysNotFetched, KeyUrl
from identity.keys import MAX_SET_BYTES
from tests.jwks_server import JwksServer
from tests.support import started

SET = b'{"keys":[]}'


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[JwksServer]:
    async with started(JwksServer(tmp_path)) as server:
        server.reply = SET
        yield server


async def refusal(source: KeyUrl | KeyFile) -> str:
    async with started(source):
        with pytest.raises(KeysNotFetched) as caught:
            await source.fetch()
    return str(caught.value)


async def test_a_set_is_fetched_from_a_url(server: JwksServer) -> None:
    async with started(KeyUrl(server.url, server.ca_file)) as source:
        assert [await source.fetch() for _ in range(3)] == [SET] * 3


async def test_a_server_that_nobody_vouches_for_is_not_believed(
    server: JwksServer, tmp_path: Path
) -> None:
    other = tmp_path / "other-ca.pem"
    other.write_bytes(DevelopmentCa.new().pem)
    for source in (KeyUrl(server.url), KeyUrl(server.url, other)):
        assert "certificate verify failed" in await refusal(source)
    wrong_name = server.url.replace("127.0.0.1", "127.0.0.2")
    assert await refusal(KeyUrl(wrong_name, server.ca_file))
    assert server.fetches == 0


@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 304, 401, 404, 500, 503])
async def test_only_200_counts(server: JwksServer, status: int) -> None:
    server.status, server.headers = status, {"Location": f"{server.url}?again"}
    assert await refusal(KeyUrl(server.url, server.ca_file)) == f"status {status}"
    assert server.fetches == 1


async def test_a_set_is_bounded(server: JwksServer) -> None:
    server.reply = b" " * MAX_SET_BYTES
    async with started(KeyUrl(server.url, server.ca_file)) as source:
        assert len(await source.fetch()) == MAX_SET_BYTES
        server.reply = b" " * (MAX_SET_BYTES * 40)
        with pytest.raises(KeysNotFetched, match="over"):
            await source.fetch()


async def test_a_small_reply_does_not_become_a_large_one(server: JwksServer) -> None:
    server.reply, server.headers = gzip.compress(b" " * 10_000_000), {"Content-Encoding": "gzip"}
    async with started(KeyUrl(server.url, server.ca_file)) as source:
        assert await source.fetch() == server.reply


async def test_a_slow_server_is_given_up(server: JwksServer) -> None:
    server.gate.clear()
    assert "Timeout" in await refusal(KeyUrl(server.url, server.ca_file, deadline_s=0.2))


async def test_a_server_that_is_away_is_a_failure(server: JwksServer) -> None:
    url = server.url
    await server.stop()
    assert "Cannot connect" in await refusal(KeyUrl(url, server.ca_file))


async def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(SET)
    async with started(KeyFile(path)) as source:
        assert await source.fetch() == SET
        path.write_bytes(b"other")
        assert await source.fetch() == b"other"
        path.write_bytes(b" " * (MAX_SET_BYTES + 1))
        with pytest.raises(KeysNotFetched, match="over"):
            await source.fetch()
        path.unlink()
        with pytest.raises(KeysNotFetched, match="No such file"):
            await source.fetch()
