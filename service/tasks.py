"""A home for background tasks: no task is forgotten, and one that dies takes the process with it.

A service owns one `TaskHome`. A task that ends with an error sets `failed`, and the runner stops
the process with that error: a silent half-dead process is worse than a dead one.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any


class TaskHome:
    """Owns tasks until `aclose`. To be created and used on one event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._error: BaseException | None = None
        self._failed = asyncio.Event()

    def spawn(self, coro: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `coro` until it ends or the home closes, in an empty context: a task outlives the
        request that happened to start it.
        """
        empty = contextvars.Context()
        task = asyncio.get_running_loop().create_task(coro, name=name, context=empty)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def fail(self, error: BaseException) -> None:
        """Stop the process with `error` (only the first one counts)."""
        self._error = self._error or error
        self._failed.set()

    async def wait_failed(self) -> BaseException:
        """Wait for the first error of any task."""
        await self._failed.wait()
        assert self._error is not None
        return self._error

    async def aclose(self) -> None:
        """Cancel every task and wait until all have ended. Idempotent."""
        while self._tasks:  # one that ends may have begun another
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.fail(task.exception())  # type: ignore[arg-type]
