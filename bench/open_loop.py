"""An open loop of posts through the gateway: each is due at a fixed time, whatever became of those
before it, and every time is counted from then. A system that stalls cannot make its own figures
better by slowing down who measures (coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from bench import crowd
from bench.http_pool import HttpPool

_POSTS_PER_PING = 5
_BEGIN_AFTER_S = 0.05


class OpenLoop:
    """Posts over all videos in turn; between them pings that HAProxy answers itself."""

    def __init__(self, port: int, videos: Sequence[str]) -> None:
        self._posts, self._pings = HttpPool(port), HttpPool(port)
        self._videos = videos

    async def post(self, per_s: float, count: int) -> list[float]:
        """Without pings, where CPU is counted. Raises BenchFailed."""
        return await _open_loop(count, per_s, 0.0, self._post)

    async def run(self, per_s: float, count: int) -> tuple[list[float], list[float]]:
        """Milliseconds of each post's and each ping's round trip. Raises BenchFailed."""
        # Pings between two posts: at the same moment they would only wait for each other.
        posted, pinged = await asyncio.gather(
            _open_loop(count, per_s, 0.0, self._post),
            _open_loop(
                max(count // _POSTS_PER_PING, 1), per_s / _POSTS_PER_PING, 0.5 / per_s, self._ping
            ),
        )
        return posted, pinged

    async def aclose(self) -> None:
        """Close the connections."""
        await self._posts.aclose()
        await self._pings.aclose()

    async def _post(self, number: int, due_ns: int) -> None:
        video_id = self._videos[number % len(self._videos)]
        due_s = time.time() - (time.monotonic_ns() - due_ns) / 1e9  # by the clock of stage times
        text = crowd.text_due(due_ns)
        await self._posts.post(video_id, text, request_id=request_id(due_s))

    async def _ping(self, _number: int, _due_ns: int) -> None:
        await self._pings.get("/healthz")


def request_id(due_s: float) -> str:
    """A request id that says when the request was due (wall clock)."""
    return f"due-{due_s * 1e6:.0f}"


def due_of(request_id_: str) -> float | None:
    """The wall clock in a request id, None if it has none."""
    word, _, micros = request_id_.partition("-")
    return int(micros) / 1e6 if word == "due" and micros.isdecimal() else None


async def _open_loop(
    count: int, per_s: float, after_s: float, act: Callable[[int, int], Awaitable[None]]
) -> list[float]:
    """Milliseconds from when each was due to when it was done."""
    began_ns = time.monotonic_ns() + int((_BEGIN_AFTER_S + after_s) * 1e9)

    async def one(number: int) -> float:
        due_ns = began_ns + int(number / per_s * 1e9)
        await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)
        await act(number, due_ns)
        return (time.monotonic_ns() - due_ns) / 1e6

    return list(await asyncio.gather(*map(one, range(count))))
