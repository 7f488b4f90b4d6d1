"""Standard error on descriptors that misbehave; whoever prints never notices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from service.stderr import Stderr
from tests.support import eventually

LINE = "x" * 999 + "\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end to read and the one to write; a test closes the first one."""
    read, write = os.pipe()
    yield read, write
    os.close(write)


def fill(descriptor: int) -> None:
    """Until the kernel takes no more."""
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"." * 1024)


async def read_until(descriptor: int, end: bytes) -> bytes:
    os.set_blocking(descriptor, False)
    got = bytearray()

    def ended() -> bool:
        with suppress(BlockingIOError):
            got.extend(os.read(descriptor, 1_000_000))
        return got.endswith(end)

    await eventually(ended)
    return bytes(got)


async def test_text_is_written_in_its_order(pipe: tuple[int, int]) -> None:
    stderr = Stderr(pipe[1])
    for number in range(1_000):
        print(number, "ü\ud800", file=stderr, flush=True)
    got = await read_until(pipe[0], b"\n999 \xc3\xbc\\ud800\n")
    assert [int(line.split()[0]) for line in got.splitlines()] == list(range(1_000))
    assert stderr.lost == 0
    os.close(pipe[0])


async def test_a_line_that_comes_in_pieces_stays_one(pipe: tuple[int, int]) -> None:
    stderr = Stderr(pipe[1])
    for piece in ("a", "b", "c\n"):
        stderr.write(piece)
        stderr.finish()
    assert os.read(pipe[0], 100) == b"abc\n"
    os.close(pipe[0])


async def test_lines_that_a_full_disk_refuses_are_counted() -> None:
    with Path("/dev/full").open("wb") as full:
        stderr = Stderr(full.fileno())
        for _ in range(3):
            stderr.write(LINE)
        await eventually(lambda: stderr.lost == 3)


async def test_lines_for_a_reader_that_is_gone_are_counted(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    stderr = Stderr(pipe[1])
    stderr.write(LINE)
    await eventually(lambda: stderr.lost == 1)


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_pipe_that_nobody_reads_holds_up_nobody(
    pipe: tuple[int, int], blocking: bool
) -> None:
    fill(pipe[1])
    os.set_blocking(pipe[1], blocking)
    stderr = Stderr(pipe[1], max_waiting=10 * len(LINE))
    for _ in range(50):
        stderr.write(LINE)
    assert stderr.lost == 40
    got = await read_until(pipe[0], LINE.encode())
    while got.count(b"\n") < 10:
        got += await read_until(pipe[0], LINE.encode())
    stderr.finish()
    assert stderr.lost == 40
    os.close(pipe[0])


_LIMITED = """
import resource, structlog
from service.logs import configure_logs
from service.stderr import lost_lines, take_over

def allow(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

stderr = take_over()
configure_logs(level="info", style="json")
log = structlog.get_logger()
allow(100)
for name in ("torn", "lost"):
    log.info(name, text="x" * 200)
    stderr.finish()
allow(resource.RLIM_INFINITY)
log.info("whole")
stderr.finish()
print(lost_lines())
"""


def test_a_line_that_was_torn_spoils_no_other_and_the_loss_is_told(tmp_path: Path) -> None:
    """As a disk that fills up and gets room again."""
    with (tmp_path / "log").open("wb") as file:
        script = [sys.executable, "-c", _LIMITED]
        done = subprocess.run(script, stdout=subprocess.PIPE, stderr=file, check=True, timeout=60)
    assert int(done.stdout) == 2
    torn, whole, told = (tmp_path / "log").read_text().splitlines()
    assert len(torn) == 100
    assert json.loads(whole)["event"] == "whole"
    assert (json.loads(told)["event"], json.loads(told)["lines"]) == ("log_lines_lost", 2)


def test_no_file_gets_the_number_of_a_closed_standard_descriptor() -> None:
    script = (
        "import os, sys; from service.stderr import *; stderr = take_over();"
        "file = open('/dev/null'); print(file.fileno() > 2);"
        "print('x', file=sys.stderr); stderr.finish(); print(lost_lines())"
    )
    command = ["/bin/sh", "-c", 'exec "$@" <&- 2>&-', "sh", sys.executable, "-c", script]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60)
    assert done.stdout.split() == [b"True", b"1"]
