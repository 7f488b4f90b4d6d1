"""The life of a process: build -> start -> run -> drain -> stop.

SIGTERM and SIGINT ask for a drain; a second one skips what is left of it. A background task that
dies stops the process with its error. Exit status: 0 asked to stop, 1 died, 2 bad configuration.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, Protocol, TypeVar

import structlog
import uvloop

from service import failpoints, stages
from service.config import ConfigError, ServiceConfig, process_environ
from service.health import Health
from service.logs import configure_logs
from service.stderr import take_over
from service.tasks import TaskHome

log = structlog.get_logger()


class Config(Protocol):
    """A role's configuration contains what every process has."""

    @property
    def service(self) -> ServiceConfig:
        """The common part."""


C = TypeVar("C", bound=Config)


class Service(Protocol):
    """A process as the runner sees it. Building does no I/O; `stop` is idempotent and also undoes
    half a `start`.
    """

    health: Health
    tasks: TaskHome

    async def start(self) -> None:
        """Bind, connect, announce; returns when ready."""

    async def drain(self) -> None:
        """Hand everything over in order; may take as long as the drain window."""

    async def stop(self) -> None:
        """Release everything, at once."""


async def run_service(service: Service, stop_asked: asyncio.Event, hurry: asyncio.Event) -> None:
    """Run `service` until `stop_asked` is set or one of its tasks dies; raises that task's error.

    `hurry` cuts the drain short.
    """
    failed = asyncio.ensure_future(service.tasks.wait_failed())
    try:
        starting = asyncio.ensure_future(service.start())
        await _until_first(starting, stop_asked.wait(), asyncio.wait({failed}))
        # Asked to stop in the very turn in which the start ended: others know us, so drain.
        if not starting.cancelled() and starting.exception() is None and not failed.done():
            service.health.started = True
            log.info("started")
            await _until_first(stop_asked.wait(), asyncio.wait({failed}))
        if failed.done():
            raise failed.result()
        service.health.draining = True
        if service.health.started:
            log.info("draining")
            await _until_first(service.drain(), hurry.wait())
    finally:
        failed.cancel()
        await service.stop()
        log.info("stopped")


async def _until_first(*coros: Awaitable[Any]) -> None:
    tasks = [asyncio.ensure_future(coro) for coro in coros]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _with_signals(build: Callable[[], Service]) -> None:
    stop_asked, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop_asked.is_set() else stop_asked).set()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, on_signal)
    await run_service(build(), stop_asked, hurry)


def main(from_env: Callable[[Mapping[str, str]], C], build: Callable[[C], Service]) -> None:
    """Entry point of every `__main__`: `main(Config.from_env, WriterService)`. Never returns."""
    take_over()
    try:
        config = from_env(process_environ())
    except ConfigError as exc:
        _refuse(exc)
    service = config.service
    configure_logs(
        level=service.log_level, style=service.log_format, role=service.role, id=service.id
    )
    if service.failpoints:
        log.warning("failpoints_armed", failpoints=[str(one) for one in service.failpoints])
        failpoints.arm(service.failpoints)
    stages.keep(service.stage_times)
    try:
        uvloop.run(_with_signals(lambda: build(config)))
    except ConfigError as exc:  # what only the parts of a service could see, such as a file
        _refuse(exc)
    except Exception:
        log.exception("died")
        sys.exit(1)
    sys.exit(0)


def _refuse(fault: ConfigError) -> NoReturn:
    print(f"configuration: {fault}", file=sys.stderr)
    sys.exit(2)
