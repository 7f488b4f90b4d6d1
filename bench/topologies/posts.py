"""An open loop of posts: each is due at a fixed time, and tried until it is stored."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence

from bench.child import BenchFailed
from bench.crowd import text_due
from bench.http_pool import HttpPool

_TRIED_FOR_S = 20.0
_AGAIN_AFTER_S = 0.1


async def post_all(port: int, video_ids: Sequence[str], per_s: float) -> None:
    """One comment on each of `video_ids`, at a fixed rate. Raises BenchFailed when one cannot be
    stored.
    """
    pool = HttpPool(port)
    began_ns = time.monotonic_ns() + 50_000_000

    async def post(number: int, video_id: str) -> None:
        due_ns = began_ns + int(number / per_s * 1e9)
        await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)
        key, give_up_at = secrets.token_hex(8), time.monotonic() + _TRIED_FOR_S
        while True:
            try:
                await pool.post(video_id, text_due(due_ns), key)
                return
            except (BenchFailed, OSError, EOFError, TimeoutError):
                if time.monotonic() > give_up_at:
                    raise
            await asyncio.sleep(_AGAIN_AFTER_S)

    try:
        await asyncio.gather(*(post(number, video) for number, video in enumerate(video_ids)))
    except (OSError, EOFError, TimeoutError) as exc:
        raise BenchFailed(f"a comment could not be stored: {exc!r}") from exc
    finally:
        await pool.aclose()
