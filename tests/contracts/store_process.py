"""Another writer process: appends without end, prints `key seq` for each acknowledged comment.

    python -m tests.contracts.store_process KIND TARGET VIDEO PREFIX COUNT

Killed in the middle it must leave dense numbers and everything that it printed.
"""

from __future__ import annotations

import asyncio
import sys

import pytest

from service.logs import configure_logs
from tests.contracts.reaching import be_patient, reached
from tests.contracts.store_backings import DURABLE
from wire.comment import NewComment
from writer.store import Item


async def run(kind: str, target: str, video_id: str, prefix: str, count: int) -> None:
    async with reached(DURABLE[kind](target).store()) as store:
        for first in range(0, count, 5):
            items = [
                Item(NewComment(prefix, f"{prefix}-{number}"), f"{prefix}-{number}", "now")
                for number in range(first, first + 5)
            ]
            for item, result in zip(items, await store.append(video_id, items), strict=True):
                sys.stdout.write(f"{item.key} {result.seq}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    configure_logs(level="error", style="json")
    be_patient(pytest.MonkeyPatch())
    kind, target, video_id, prefix, count = sys.argv[1:]
    asyncio.run(run(kind, target, video_id, prefix, int(count)))
