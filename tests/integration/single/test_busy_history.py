"""Viewers come while the store is busy with pages of history."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.integration.single.conftest import Single
from tests.raw_http import head
from tests.support import eventually
from writer.sqlite import queries as sqlite_queries

PAGE = head("GET", "/v1/videos/v/comments")


async def test_a_stream_begins_while_pages_of_history_wait(
    single: Single, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await single.connect()).post()
    gate, read_recent = threading.Event(), sqlite_queries.read_recent

    def held(*args: Any) -> Any:
        assert gate.wait(60)
        return read_recent(*args)

    monkeypatch.setattr("writer.sqlite.queries.read_recent", held)
    for _ in range(40):
        (await single.connect()).send(PAGE)
    await eventually(lambda: single.service._comments.queues["read_history"])
    viewer = await single.connect()
    await viewer.watch()
    assert [(await viewer.event()).type, await viewer.seqs(1)] == ["hello", [1]]
    assert not gate.is_set()
    assert single.service.health.degraded == {}
    gate.set()
