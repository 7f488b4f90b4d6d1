"""The machine's limit: a server that does nothing but send the same bytes to every socket.

One plain loop in Python, and one in C if the machine has a compiler.
"""

from __future__ import annotations

import ctypes
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.child import BenchFailed, at_rate, carry_out_all, cpu_s
from rtms_node.stream_listener import BACKLOG, SEND_BUFFER_BYTES

_SOURCE = Path(__file__).with_name("send_loop.c")

Round = Callable[[list[socket.socket], bytes], int]


class RawServer:
    """Accepts viewers and never reads what they say."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(BACKLOG)
        self._viewers: list[socket.socket] = []
        in_c = compile_c()
        self._rounds: dict[str, Round] = {"c": in_c} if in_c is not None else {}
        self._rounds["python"] = send_round

    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def loops(self) -> list[str]:
        """Which loops there are here, the cheapest first."""
        return list(self._rounds)

    def accept(self, count: int) -> None:
        """Take `count` viewers in."""
        for _ in range(count):
            viewer, _address = self._listener.accept()
            viewer.setblocking(False)
            viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._viewers.append(viewer)

    def send(self, loop: str, payload: bytes, per_s: float, rounds: int, rooms: int = 1) -> float:
        """CPU seconds of that many rounds, each over the viewers of one of the rooms in turn.
        Raises BenchFailed if any was full.
        """
        act_on = self._rounds[loop]
        viewers = [self._viewers[room::rooms] for room in range(rooms)]
        before, whole = cpu_s(), 0

        def act(number: int) -> None:
            nonlocal whole
            whole += act_on(viewers[number % rooms], payload)

        at_rate(per_s, rounds, act)
        if whole != sum(len(viewers[number % rooms]) for number in range(rounds)):
            raise BenchFailed("a viewer's buffer was full")
        return cpu_s() - before


def find_compiler() -> str | None:
    """A C compiler of this machine, or None."""
    return shutil.which("cc") or shutil.which("gcc")


def compile_c() -> Round | None:
    """The loop in C, or None without a compiler."""
    compiler = find_compiler()
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "send_loop.so")
        done = subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", library, _SOURCE], check=False
        )
        if done.returncode != 0:
            return None
        function = ctypes.CDLL(str(library)).send_round

    def round_in_c(viewers: list[socket.socket], payload: bytes) -> int:
        fds = (ctypes.c_int * len(viewers))(*(viewer.fileno() for viewer in viewers))
        return int(function(fds, len(viewers), payload, ctypes.c_size_t(len(payload))))

    return round_in_c


def send_round(viewers: list[socket.socket], payload: bytes) -> int:
    """The loop in Python; how many sockets took all of `payload`."""
    size, whole = len(payload), 0
    for viewer in viewers:
        whole += viewer.send(payload) == size
    return whole


def run(pipe: Any) -> None:
    """The process."""
    server = RawServer()
    carry_out_all(
        pipe,
        {
            "port": server.port,
            "loops": server.loops,
            "accept": server.accept,
            "send": server.send,
        },
    )
