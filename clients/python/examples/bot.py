"""A bot: answers `!uptime` and removes spam.

    LIVECOMMENTS_TOKEN=... python bot.py https://comments.example.org launch-1

The token needs a name and the role `moderator` for the video. Where the bot has got to is kept in
`VIDEO.cursor`, so that after a restart it deals with what came meanwhile, and with nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from pathlib import Path

from livecomments_client import AsyncClient, AsyncVideo, Comment, Problem

SPAM = re.compile(r"free coins|cheap followers", re.IGNORECASE)
STARTED = time.monotonic()


def load(kept: Path) -> str | None:
    """Where the bot has got to; None at its first start."""
    return kept.read_text() if kept.exists() else None


def save(kept: Path, cursor: str) -> None:
    """As a whole: a crash leaves the old one or the new one."""
    aside = kept.with_suffix(".new")
    aside.write_text(cursor)
    aside.replace(kept)


async def deal_with(video: AsyncVideo, comment: Comment) -> None:
    """What a comment asks for. A refusal is told and does not end the bot."""
    try:
        if SPAM.search(comment.text):
            await video.moderation.remove(comment.seq, reason="spam")
        elif comment.text.strip() == "!uptime":
            minutes = int((time.monotonic() - STARTED) / 60)
            # The key makes the answer one for each question, also after a crash in between.
            await video.post(f"up for {minutes} minutes", key=f"uptime-{comment.id}")
    except Problem as problem:
        print(f"comment {comment.seq}: {problem}", file=sys.stderr)


async def run(url: str, video_id: str) -> None:
    """Until it is interrupted."""
    kept = Path(f"{video_id}.cursor")
    cursor = load(kept)
    async with AsyncClient(url, token=os.environ["LIVECOMMENTS_TOKEN"]) as client:
        video = client.video(video_id, replay=0, cursor=cursor)
        async with video.events() as events:
            async for event in events:
                if isinstance(event, Comment):
                    await deal_with(video, event)
                if video.cursor is not None and video.cursor != cursor:
                    cursor = video.cursor
                    save(kept, cursor)


async def main(url: str, video_id: str) -> None:
    """Ends with SIGINT and SIGTERM."""
    task = asyncio.create_task(run(url, video_id))
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
