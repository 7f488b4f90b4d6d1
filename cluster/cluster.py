"""One cluster: makes it, starts and stops its parts, waits for them.

Law: the memory (settings, ports) is written before anything starts, and a part that runs is left
alone; so `up` is the same whether it makes a cluster, continues after a crash, adds nodes or has
nothing to do. Nothing restarts by itself.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cluster import haproxy_socket
from cluster.ca import DevelopmentCa
from cluster.errors import NotInstalled, PortTaken, SettingsConflict, StepFailed
from cluster.folder import ClusterFolder, Remembered, home_folder
from cluster.launches import Launches
from cluster.local_runtime import LocalRuntime
from cluster.parts import (
    ROLES,
    Kind,
    Part,
    find_part,
    gateway_ports,
    missing_ports,
    parts_of,
    port_key,
)
from cluster.ports import free_ports, is_free
from cluster.preflight import check_variables
from cluster.probe import fetch_readiness
from cluster.progress import Progress, Silent
from cluster.runtime import Condition, Runtime
from cluster.settings import DEFAULT_NAME, Settings

READY_WITHIN_S = 60.0
STOP_PATIENCE_S = 15.0
DRAIN_PATIENCE_S = 120.0
LOG_LINES_SHOWN = 25
_LOOK_EVERY_S = 0.05
_RUNNING = (Condition.RUNNING, Condition.PAUSED)
# What may change while the cluster runs: how many there are of what the gateway can take on.
_ELASTIC = ("nodes", "dispatchers", "writers", "environment", "http_port", "https_port")


class Cluster:
    """A cluster in its folder. `create` and `open` make one; all methods may be called again.

    Not safe for two commands at a time: hold `folder.lock()` around what changes it.
    """

    def __init__(self, folder: ClusterFolder, memory: Remembered) -> None:
        self.folder = folder
        self._memory = memory
        self._environ: Mapping[str, str] = os.environ
        self.runtime: Runtime = LocalRuntime(folder.run, folder.logs)

    @classmethod
    def create(cls, settings: Settings, home: Path | None = None) -> Cluster:
        """The cluster of that name with these settings: a new one, or the one in the folder with
        its settings changed. Chooses ports, starts nothing. Raises SettingsConflict.
        """
        folder = ClusterFolder(home or home_folder(os.environ), settings.name)
        memory = folder.load() if folder.exists() else Remembered(settings)
        cluster = cls(folder, memory)
        cluster._take_on(settings)
        return cluster

    @classmethod
    def open(cls, name: str = DEFAULT_NAME, home: Path | None = None) -> Cluster:
        """The cluster in the folder. Raises NoCluster."""
        folder = ClusterFolder(home or home_folder(os.environ), name)
        return cls(folder, folder.load())

    @property
    def settings(self) -> Settings:
        """What it is made of."""
        return self._memory.settings

    @property
    def parts(self) -> list[Part]:
        """All parts, in the order in which they start."""
        return parts_of(self.settings, self._memory.ports)

    @property
    def http_url(self) -> str:
        """The gateway over HTTP, without a slash at the end."""
        return f"http://127.0.0.1:{self.part('haproxy').ports['http']}"

    @property
    def https_url(self) -> str:
        """The gateway over HTTPS and HTTP/2; its certificate is signed by `ca_file`."""
        return f"https://localhost:{self.part('haproxy').ports['https']}"

    @property
    def ca_file(self) -> Path:
        """The certificate of the development CA."""
        return self.folder.ca / "ca.pem"

    def part(self, name: str) -> Part:
        """Raises UnknownPart."""
        return find_part(self.parts, name)

    def url(self, name: str, use: str = "ops") -> str:
        """A part's own plain HTTP listener (`ops` or `public`), without a slash at the end."""
        return f"http://127.0.0.1:{self.part(name).ports[use]}"

    def pid(self, name: str) -> int | None:
        """The part's process id while it runs. Raises UnknownPart."""
        return self.runtime.pid(self.part(name).name)

    def condition(self, name: str) -> Condition:
        """What the part is doing. Raises UnknownPart."""
        return self.runtime.condition(self.part(name).name)

    async def up(self, progress: Progress | None = None) -> None:
        """Start everything that does not run, let go on what is paused, and wait until the gateway
        is ready.

        Raises StepFailed, PortTaken or NotInstalled; what did start keeps running.
        """
        progress = progress or Silent()
        if self.condition(Kind.HAPROXY) not in _RUNNING:
            self._require_free_ports(self.part(Kind.HAPROXY))  # before anything has been started
        with progress.step("certificates"):
            self._ensure_certificates()
        self.choose_ports_again_if_nothing_runs()
        await self._stop_surplus(progress)
        for kinds in ((Kind.ZOOKEEPER,), ROLES):
            group = [part for part in self.parts if part.kind in kinds]
            with progress.step(_title(group)):
                await self._start_group(group)
        with progress.step(Kind.HAPROXY):
            self._launch(self.part(Kind.HAPROXY))
            await self._fill_slots()
            await self._wait_ready(self.part(Kind.HAPROXY))
            await self._wait_gateway_sees_all()

    async def start(self, name: str, *, wait: bool = True) -> None:
        """Start one part if it does not run (a paused one goes on), and wait until it is ready.
        Raises as `up`.
        """
        part = self.part(name)
        self._ensure_certificates()
        self._launch(part)
        if wait:
            await self._wait_ready(part)

    async def stop(self, name: str) -> None:
        """End a part soon and cleanly, without a drain."""
        await self.runtime.stop(self.part(name).name, patience_s=STOP_PATIENCE_S, hurry=True)

    async def drain(self, name: str, *, patience_s: float = DRAIN_PATIENCE_S) -> bool:
        """Ask a part to hand its work over and end; False if it had to be killed."""
        return await self.runtime.stop(self.part(name).name, patience_s=patience_s, hurry=False)

    async def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is gone."""
        await self.runtime.kill(self.part(name).name)

    def pause(self, name: str) -> None:
        """SIGSTOP."""
        self.runtime.pause(self.part(name).name)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        self.runtime.resume(self.part(name).name)

    async def wait_ready(self, name: str, timeout_s: float = READY_WITHIN_S) -> None:
        """Until the part says that it is ready. Raises StepFailed."""
        await self._wait_ready(self.part(name), timeout_s)

    def set_environment(self, scope: str, **variables: str) -> None:
        """Variables for the next start of a part ("node-1"), a role ("node") or "all"."""
        known = self.settings.environment
        environment = known | {scope: known.get(scope, {}) | variables}
        self._remember(dataclasses.replace(self.settings, environment=environment))

    async def down(self, progress: Progress | None = None) -> None:
        """Stop every part that was ever started here, the gateway first; keeps all data."""
        progress = progress or Silent()
        running = self.runtime.names()
        order = [str(kind) for kind in (Kind.HAPROXY, *reversed(ROLES), Kind.ZOOKEEPER)]
        for kind in order:
            names = [name for name in running if name.partition("-")[0] == kind]
            if names:
                with progress.step(f"stopping {', '.join(names)}"):
                    await asyncio.gather(*(self._stop_quietly(name) for name in names))

    async def clean(self, progress: Progress | None = None) -> None:
        """`down`, and forget everything, data included."""
        await self.down(progress)
        self.folder.remove()

    def _take_on(self, settings: Settings) -> None:
        check_variables(settings)
        self._check_gateway_ports(settings)
        if self._any_runs():
            for field in dataclasses.fields(Settings):
                old, new = getattr(self.settings, field.name), getattr(settings, field.name)
                if old != new and field.name not in _ELASTIC:
                    raise SettingsConflict(
                        f"the cluster runs with {field.name.upper()}={old}; "
                        f"`make cluster-down` first, then start it with {new}"
                    )
        self._remember(settings)

    def _check_gateway_ports(self, settings: Settings) -> None:
        if self.runtime.condition(Kind.HAPROXY) not in _RUNNING:
            return
        asked = gateway_ports(settings, is_default=settings.name == DEFAULT_NAME)
        for key, port in asked.items():
            if self._memory.ports.get(key, port) != port:
                raise SettingsConflict(
                    f"the gateway listens on {self._memory.ports[key]}; "
                    f"`livecomments stop haproxy` first, then start it on {port}"
                )

    def _remember(self, settings: Settings) -> None:
        asked = gateway_ports(settings, is_default=settings.name == DEFAULT_NAME)
        ports = self._memory.ports | asked
        missing = missing_ports(settings, ports)
        chosen = free_ports(len(missing), avoid=set(ports.values()))
        ports |= dict(zip(missing, chosen, strict=True))
        self._memory = Remembered(settings, ports)
        self.folder.save(self._memory)

    def choose_ports_again_if_nothing_runs(self) -> None:
        """After a reboot others may have taken our ports; the gateway's are the person's choice."""
        if self._any_runs():
            return
        taken = {
            port_key(part.name, use)
            for part in self.parts
            for use, port in part.ports.items()
            if part.kind is not Kind.HAPROXY and not is_free("127.0.0.1", port)
        }
        if taken:
            kept = {key: port for key, port in self._memory.ports.items() if key not in taken}
            self._memory = Remembered(self.settings, kept)
            self._remember(self.settings)

    def _any_runs(self) -> bool:
        return any(self.runtime.condition(name) in _RUNNING for name in self.runtime.names())

    def _ensure_certificates(self) -> None:
        ca = DevelopmentCa.load_or_create(self.folder.ca)
        ca.ensure_gateway(self.folder.gateway)
        launches = self.launches()
        for part in self.parts:
            role = launches.role_of(part)
            if role is not None:
                ca.ensure_process(self.folder.tls(part.name), role, part.name)

    async def _stop_surplus(self, progress: Progress) -> None:
        """Drain what the settings no longer ask for."""
        wanted = {part.name for part in self.parts}
        surplus = [name for name in self.runtime.names() if name not in wanted]
        if surplus:
            with progress.step(f"draining {', '.join(surplus)}"):
                await self._empty_slots(surplus)
                await asyncio.gather(
                    *(
                        self.runtime.stop(name, patience_s=DRAIN_PATIENCE_S, hurry=False)
                        for name in surplus
                    )
                )

    async def _start_group(self, group: list[Part]) -> None:
        for part in group:
            self._launch(part)
        waits = [asyncio.ensure_future(self._wait_ready(part)) for part in group]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()

    def _launch(self, part: Part) -> None:
        if self.runtime.condition(part.name) in _RUNNING:
            self.runtime.resume(part.name)
            return
        self._require_free_ports(part)
        self.folder.data.mkdir(parents=True, exist_ok=True)
        try:
            self.runtime.start(self.launches().launch(part))
        except FileNotFoundError as exc:
            raise NotInstalled(f"{part.name} cannot start: {exc}") from exc

    def _require_free_ports(self, part: Part) -> None:
        host = self.settings.bind if part.kind is Kind.HAPROXY else "127.0.0.1"
        for use, port in part.ports.items():
            if not is_free(host, port):
                if part.kind is Kind.HAPROXY:
                    hint = f"stop that program, or choose another port with {use.upper()}_PORT="
                else:
                    hint = "stop that program, or everything here (`make cluster-down`)"
                raise PortTaken(part.name, use, port, hint)

    async def _wait_ready(self, part: Part, timeout_s: float = READY_WITHIN_S) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            readiness = await fetch_readiness(part)
            condition = self.runtime.condition(part.name)
            if readiness.ready and condition is Condition.RUNNING:
                return
            if condition is not Condition.RUNNING:
                raise self._failed(part, f"{part.name} is {condition}")
            if time.monotonic() > deadline:
                what = f"{part.name} was not ready within {timeout_s:.0f} s ({readiness.words})"
                raise self._failed(part, what)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _failed(self, part: Part, what: str) -> StepFailed:
        tail = self.runtime.log_tail(part.name, LOG_LINES_SHOWN, this_life=True)
        return StepFailed(what, part.name, tail)

    async def _wait_gateway_sees_all(self) -> None:
        """A part that was started again is ready before the gateway has checked it again."""
        haproxy = self.part(Kind.HAPROXY)
        deadline = time.monotonic() + READY_WITHIN_S
        gateway = self.launches().gateway(haproxy)
        with self._gateway_answers():
            while missing := await haproxy_socket.find_not_up(self.folder.gateway, gateway):
                if time.monotonic() > deadline:
                    what = f"the gateway does not reach {', '.join(missing)}"
                    raise self._failed(haproxy, what)
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _fill_slots(self) -> None:
        """Tell the gateway about every node and writer; those it knows already stay as they are."""
        gateway = self.launches().gateway(self.part(Kind.HAPROXY))
        with self._gateway_answers():
            async with asyncio.timeout(READY_WITHIN_S):
                await haproxy_socket.fill_slots(self.folder.gateway, gateway)

    @contextmanager
    def _gateway_answers(self) -> Iterator[None]:
        try:
            yield
        except (OSError, TimeoutError) as exc:
            haproxy = self.part(Kind.HAPROXY)
            raise self._failed(haproxy, f"haproxy does not answer: {exc}") from exc

    async def _empty_slots(self, names: list[str]) -> None:
        if self.runtime.condition(Kind.HAPROXY) is Condition.RUNNING:
            await haproxy_socket.empty_slots(self.folder.gateway, names)

    async def _stop_quietly(self, name: str) -> None:
        await self.runtime.stop(name, patience_s=STOP_PATIENCE_S, hurry=True)

    def launches(self) -> Launches:
        """How its parts are started now."""
        return Launches(self.folder, self.settings, self.parts, self._environ)


def _title(group: list[Part]) -> str:
    counts: dict[Kind, int] = {}
    for part in group:
        counts[part.kind] = counts.get(part.kind, 0) + 1
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())
