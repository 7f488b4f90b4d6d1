"""What the comment service says of its store, on a real file."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.tasks import TaskHome
from wire.comment import NewComment
from wire.errors import StoreUnavailable
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.sqlite.store import SqliteStore
from writer.testing import ListSink


@pytest.mark.parametrize(("kept_s", "problem"), [(60.0, "last write"), (0.0, None)])
async def test_a_failed_write_is_told_for_a_while_after_the_store_is_back(
    tmp_path: Path, kept_s: float, problem: str | None
) -> None:
    folder, tasks = tmp_path / "later", TaskHome()
    service = CommentService(
        SqliteStore(folder / "comments.db"), ListSink(), tasks, WriterMetrics(CollectorRegistry()),
        write_problem_kept_s=kept_s,
    )  # fmt: skip
    await service.start()
    with pytest.raises(StoreUnavailable):
        await service.post("v1", NewComment("ann", "hi"), None)
    folder.mkdir()
    await service.heads(["v1"])
    told = service.store_problem
    assert (told and told.partition(":")[0]) == problem
    await service.post("v1", NewComment("ann", "hi"), None)
    assert service.store_problem is None
    await service.stop()
    await tasks.aclose()
