"""The runtime of real processes on this machine.

Invariants: a part runs if `run/<part>.pid` names a process that still lives. The file is written
when the part starts and removed when it is stopped on purpose, so that a dead part is told from a
stopped one. Where it is missing or damaged, the part is the process that prints into its log.
`run/<part>.supervisor` names the process that starts a part again, where there is one (see
cluster.local.supervisor); whoever stops, kills or starts the part ends that first. Parts are
sessions of their own: they outlive the command that started them, and a Ctrl-C there does not reach
them.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

from cluster.ca import GATEWAY_NAMES, DevelopmentCa
from cluster.errors import ClusterError, NotInstalled
from cluster.folder import CHECKOUT, ClusterFolder
from cluster.issuer import DevelopmentIssuer
from cluster.local import logs
from cluster.local.launches import GATEWAY_CERTIFICATE, TLS_ROLES, Launches
from cluster.local.processes import (
    ProcessMark,
    find_outputs,
    is_alive,
    is_paused,
    mark_of,
    read_mark,
    send,
    write_mark,
)
from cluster.new_epoch import renew_file_epoch
from cluster.ops_peers import write_ops_peers
from cluster.parts import WITH_TICKETS, Kind, Part
from cluster.port_check import require_free_ports
from cluster.progress import Progress
from cluster.runtime import Condition, Launch, Plan
from cluster.servers.haproxy_socket import UnixControl, replace_certificate

MAX_DESCRIPTORS = 1_048_576
_POLL_EVERY_S = 0.02
_HURRY_AFTER_S = 0.3
_KILL_WITHIN_S = 10.0
_STANDS_STILL_WITHIN_S = 1.0
# The limit is raised in the process itself, before the program replaces the shell.
_RAISE_LIMIT = 'ulimit -n "$1"; shift; exec "$@"'


class LocalRuntime:
    """See cluster.runtime.Runtime. `environ` is the person's environment."""

    def __init__(self, folder: ClusterFolder, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._run = folder.run
        self._logs = folder.logs

    async def prepare(self, plan: Plan, progress: Progress) -> None:
        """As the protocol says."""
        write_ops_peers(self._folder, plan.parts)
        with progress.step("certificates"):
            for part in plan.parts:
                self._ensure_keys(part)

    async def start(self, plan: Plan, part: Part) -> None:
        """As the protocol says."""
        if self._living(part.name) is not None:
            return
        self._ensure_keys(part)
        require_free_ports(part, plan.settings)
        self._folder.data.mkdir(parents=True, exist_ok=True)
        write_ops_peers(self._folder, plan.parts)
        launches = Launches(self._folder, plan.settings, plan.parts, self._environ)
        try:
            self.launch(launches.launch(part))
        except FileNotFoundError as exc:
            raise NotInstalled(f"{part.name} cannot start: {exc}") from exc
        except OSError as exc:  # as a rule no room; a write names no file
            where = exc.filename or self._folder.path
            raise ClusterError(f"{part.name} cannot start: {exc.strerror}: {where}") from exc

    def host(self, part: Part) -> str:
        """As the protocol says."""
        return part.host

    async def renew_gateway(self) -> None:
        """As the protocol says."""
        pem = (self._folder.gateway / GATEWAY_CERTIFICATE).read_text()
        await replace_certificate(self.control(), GATEWAY_CERTIFICATE, pem)

    def control(self) -> UnixControl:
        """As the protocol says."""
        return UnixControl(self._folder.gateway)

    def launch(self, launch: Launch) -> None:
        """Start a program unless it runs. What it prints is added to its log."""
        if self._living(launch.name) is not None:
            return
        self._end_supervisor(launch.name)  # it waits for room
        if self._living(launch.name) is not None:  # there was some, just now
            return
        self._run.mkdir(parents=True, exist_ok=True)
        with logs.open_for_append(self._log(launch.name)) as log:
            if launch.room_mib:
                self._spawn_supervisor(launch, log)
            else:
                process = _spawn(launch.command, launch, launch.folder, log, log)
                _save_mark(process, self._file(launch.name))

    def _spawn_supervisor(self, launch: Launch, log: FileIO) -> None:
        """Returns when the part itself was started, or could not be."""
        where = [str(self._file(launch.name)), str(launch.folder), str(launch.room_mib)]
        command = [sys.executable, "-m", "cluster.local.supervisor", *where, *launch.command]
        process = _spawn(command, launch, CHECKOUT, subprocess.PIPE, log)
        assert process.stdout is not None
        with process.stdout:
            _save_mark(process, self._supervisor_file(launch.name))
            started = process.stdout.readline()
        if not started:
            raise ClusterError(f"{launch.name} could not be started; its log says why")

    def _end_supervisor(self, name: str) -> None:
        file = self._supervisor_file(name)
        supervisor = read_mark(file)
        if supervisor is None:
            return
        send(supervisor, signal.SIGKILL)
        deadline = time.monotonic() + _KILL_WITHIN_S
        while is_alive(supervisor):
            if time.monotonic() > deadline:
                raise ClusterError(f"the supervisor of {name} cannot be killed")
            time.sleep(_POLL_EVERY_S)
        file.unlink(missing_ok=True)

    def condition(self, name: str) -> Condition:
        """As the protocol says."""
        mark = self._mark(name)
        if mark is None:
            return Condition.STOPPED
        if not is_alive(mark):
            supervisor = read_mark(self._supervisor_file(name))
            return Condition.WAITING if supervisor and is_alive(supervisor) else Condition.DEAD
        return Condition.PAUSED if is_paused(mark) else Condition.RUNNING

    def pid(self, name: str) -> int | None:
        """As the protocol says."""
        mark = self._living(name)
        return mark.pid if mark else None

    def names(self) -> list[str]:
        """As the protocol says."""
        marked = {path.stem for path in self._run.glob("[!.]*.pid") if read_mark(path)}
        printed = map(Path, find_outputs().values())
        folder = self._logs.resolve()
        return sorted(marked | {log.stem for log in printed if log == folder / f"{log.stem}.log"})

    async def stop(self, name: str, *, patience_s: float, hurry: bool) -> bool:
        """As the protocol says."""
        asked = time.monotonic()
        self._end_supervisor(name)
        self._signal(name, signal.SIGTERM)
        self._signal(name, signal.SIGCONT)  # a paused part could not hear it
        gone = await self._wait_gone(name, min(_HURRY_AFTER_S, patience_s))
        if hurry and not gone:
            self._signal(name, signal.SIGTERM)
        gone = gone or await self._wait_gone(name, patience_s - (time.monotonic() - asked))
        if not gone:
            await self.kill(name)
        self._file(name).unlink(missing_ok=True)
        return gone

    async def kill(self, name: str) -> None:
        """As the protocol says; the part counts as dead, not as stopped."""
        self._end_supervisor(name)
        self._signal(name, signal.SIGKILL)
        if not await self._wait_gone(name, _KILL_WITHIN_S):
            raise ClusterError(f"{name} cannot be killed")

    def pause(self, name: str) -> None:
        """As the protocol says; returns when it stands still, which takes a moment."""
        self._signal(name, signal.SIGSTOP)
        deadline = time.monotonic() + _STANDS_STILL_WITHIN_S
        while self.condition(name) is Condition.RUNNING and time.monotonic() < deadline:
            time.sleep(_POLL_EVERY_S)

    def resume(self, name: str) -> None:
        """As the protocol says."""
        self._signal(name, signal.SIGCONT)

    def log_tail(self, name: str, lines: int, *, this_life: bool = False) -> str:
        """As the protocol says."""
        read = logs.tail_of_this_life if this_life else logs.tail
        return read(self._log(name), lines)

    def follow_logs(self, names: Sequence[str], *, lines: int) -> Iterator[tuple[str, str]]:
        """As the protocol says."""
        return logs.follow({name: self._log(name) for name in names}, lines)

    def partition(self, name: str) -> None:
        """Raises ClusterError: all processes share the machine's loopback."""
        raise ClusterError(
            f"{name} cannot be cut off: the processes of a cluster share this machine's network. "
            "`livecomments pause` is the nearest alternative; RUNTIME=docker can do it"
        )

    def heal(self, _name: str) -> None:
        """There is nothing to undo."""

    async def renew_epoch(self) -> tuple[str, str]:
        """As the protocol says."""
        return renew_file_epoch(self._folder.sqlite)

    async def discard_data(self, name: str) -> None:
        """As the protocol says."""
        await asyncio.to_thread(shutil.rmtree, self._folder.server(name), ignore_errors=True)

    async def remove(self) -> None:
        """All that there is lies in the cluster's folder."""

    def _ensure_keys(self, part: Part) -> None:
        """Its certificate, and the keys of tokens and tickets. What is good is left as it is."""
        if part.kind in WITH_TICKETS:
            DevelopmentIssuer.load_or_create(self._folder.issuer)
        ca = DevelopmentCa.load_or_create(self._folder.ca)
        if part.kind is Kind.HAPROXY:
            names = tuple(dict.fromkeys((*GATEWAY_NAMES, part.host)))
            ca.ensure_gateway(self._folder.gateway, names)
        elif (role := TLS_ROLES.get(part.kind)) is not None:
            ca.ensure_process(self._folder.tls(part.name), role, part.name)

    def _signal(self, name: str, signum: int) -> bool:
        mark = self._living(name)
        return mark is not None and send(mark, signum)

    async def _wait_gone(self, name: str, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self._living(name) is not None:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_EVERY_S)
        return True

    def _living(self, name: str) -> ProcessMark | None:
        mark = self._mark(name)
        return mark if mark is not None and is_alive(mark) else None

    def _mark(self, name: str) -> ProcessMark | None:
        return read_mark(self._file(name)) or self._find_printing(name)

    def _find_printing(self, name: str) -> ProcessMark | None:
        """The youngest process that prints into the part's log: one that it started comes first."""
        log = str(self._log(name).resolve())
        pids = [pid for pid, output in find_outputs().items() if output == log]
        return mark_of(max(pids)) if pids else None

    def _file(self, name: str) -> Path:
        return self._run / f"{name}.pid"

    def _supervisor_file(self, name: str) -> Path:
        return self._run / f"{name}.supervisor"

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _spawn(
    command: Sequence[str], launch: Launch, folder: Path, stdout: FileIO | int, stderr: FileIO
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _RAISE_LIMIT, launch.name, _descriptors(), *command],
        cwd=folder,
        env=dict(launch.environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        close_fds=True,
        start_new_session=True,
    )


def _save_mark(process: subprocess.Popen[bytes], file: Path) -> None:
    """From here on the process is known by its mark, not by the Popen object."""
    mark = mark_of(process.pid)
    process.returncode = 0
    try:
        if mark is not None:
            write_mark(file, mark)
    except OSError:  # a full disk: nobody would know of it, nor of what it starts
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise


def _descriptors() -> str:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    unlimited = hard == resource.RLIM_INFINITY
    return str(MAX_DESCRIPTORS if unlimited else min(hard, MAX_DESCRIPTORS))
