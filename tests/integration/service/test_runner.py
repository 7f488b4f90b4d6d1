"""The life of a process, as real processes with real signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

PIPE = asyncio.subprocess.PIPE
SCRIPT = Path(__file__).with_name("tiny_service.py")
ROOT = SCRIPT.parents[3]


class Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[str] = []

    async def wait_said(self, word: str) -> None:
        while word not in self.said:
            await self._hear()

    def signal(self, signum: int) -> None:
        self._process.send_signal(signum)

    async def end(self) -> tuple[int, str]:
        """Exit status and what it logged, if that is heard."""
        errors = ""
        if self._process.stderr is not None:
            errors = (await asyncio.wait_for(self._process.stderr.read(), 30)).decode()
        while await self._hear(at_end=True):
            pass
        return await asyncio.wait_for(self._process.wait(), 30), errors

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _hear(self, *, at_end: bool = False) -> bool:
        assert self._process.stdout is not None
        line = (await asyncio.wait_for(self._process.stdout.readline(), 30)).decode().strip()
        assert line or at_end, f"it ended after {self.said}"
        if line:
            self.said.append(line)
        return bool(line)


Run = Callable[..., Awaitable[Process]]


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """`await run("good")`: the tiny service with that behaviour."""
    processes = []

    async def run(behaviour: str, stderr: int = PIPE, **environ: str) -> Process:
        base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SERVICE_ID": "w1"}
        process = Process(
            await asyncio.create_subprocess_exec(
                sys.executable,
                str(SCRIPT),
                env=base | {"BEHAVIOUR": behaviour} | environ,
                stdout=PIPE,
                stderr=stderr,
            )
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        await process.kill()


def events(errors: str) -> list[str]:
    return [json.loads(line)["event"] for line in errors.splitlines()]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_then_stops(run: Run, signum: int) -> None:
    process = await run("good")
    await process.wait_said("started")
    process.signal(signum)
    status, errors = await process.end()
    assert status == 0
    assert process.said == ["starting", "started", "draining", "drained", "stopped"]
    assert events(errors) == ["started", "draining", "stopped"]


async def test_a_second_signal_cuts_the_drain_short(run: Run) -> None:
    process = await run("slow drain")
    await process.wait_said("started")
    process.signal(signal.SIGTERM)
    await process.wait_said("draining")
    process.signal(signal.SIGTERM)
    status, _ = await process.end()
    assert status == 0
    assert process.said[-2:] == ["draining", "stopped"]


async def test_a_signal_during_a_start_that_does_not_end_stops_at_once(run: Run) -> None:
    process = await run("endless start")
    await process.wait_said("starting")
    process.signal(signal.SIGTERM)
    status, errors = await process.end()
    assert status == 0
    assert process.said == ["starting", "stopped"]
    assert events(errors) == ["stopped"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("dies", "a task has died"),
        ("dies while starting", "a task has died"),
        ("broken start", "port taken"),
        ("unbuildable", "no certificates"),
    ],
)
async def test_a_process_that_dies_says_why_and_exits_1(
    run: Run, behaviour: str, reason: str
) -> None:
    process = await run(behaviour)
    status, errors = await process.end()
    assert status == 1
    last = json.loads(errors.splitlines()[-1])
    assert (last["event"], last["role"], last["id"]) == ("died", "writer", "w1")
    assert reason in last["exception"]
    assert "drained" not in process.said
    if behaviour != "unbuildable":
        assert process.said[-1] == "stopped"


async def test_a_drain_that_fails_still_stops(run: Run) -> None:
    process = await run("broken drain")
    await process.wait_said("started")
    process.signal(signal.SIGTERM)
    status, errors = await process.end()
    assert status == 1
    assert "half drained" in errors
    assert process.said[-1] == "stopped"


async def test_bad_configuration_exits_2_and_names_every_fault(run: Run) -> None:
    process = await run("good", SERVICE_ID="", OPS_PORT="x", LOG_LEVEL="loud")
    status, errors = await process.end()
    assert status == 2
    assert process.said == []
    for name in ("SERVICE_ID", "OPS_PORT", "LOG_LEVEL"):
        assert name in errors
    assert "Traceback" not in errors


@pytest.fixture(params=["full disk", "reader gone", "nobody reads"])
def broken_stderr(request: pytest.FixtureRequest) -> Iterator[int]:
    """What lines are printed into, and cannot be."""
    if request.param == "full disk":
        read, write = None, os.open("/dev/full", os.O_WRONLY)
    else:
        read, write = os.pipe()
    if request.param == "nobody reads":
        os.set_blocking(write, False)
        with suppress(BlockingIOError):
            while True:
                os.write(write, bytes(1024))
        os.set_blocking(write, True)
    elif read is not None:
        os.close(read)
        read = None
    yield write
    for descriptor in filter(None, (read, write)):
        os.close(descriptor)


@pytest.mark.parametrize(("behaviour", "ends_with"), [("good", 0), ("broken drain", 1)])
async def test_a_process_lives_as_ever_when_its_log_cannot_be_written(
    run: Run, broken_stderr: int, behaviour: str, ends_with: int
) -> None:
    process = await run(behaviour, broken_stderr, FAILPOINT="writer.in_commit:kill")  # is logged
    await process.wait_said("started")
    process.signal(signal.SIGTERM)
    assert (await process.end())[0] == ends_with
    assert process.said[-1] == "stopped"


async def test_a_bad_configuration_exits_2_also_when_nobody_is_told(
    run: Run, broken_stderr: int
) -> None:
    process = await run("good", broken_stderr, LOG_LEVEL="loud")
    assert (await process.end())[0] == 2
