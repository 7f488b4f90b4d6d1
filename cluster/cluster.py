"""One cluster: makes it, starts and stops its parts, waits for them.

Invariants: settings and ports are saved before anything starts, and a part that runs is left alone;
so `up` is the same whether it makes a cluster, continues after a crash, adds nodes or
has nothing to do. Nothing restarts by itself, but what ended for want of room on its disk
(cluster.local.supervisor).
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path

from cluster.addresses import LOOPBACK, join_port
from cluster.errors import ClusterError, NoCluster, StateLost, StepFailed
from cluster.folder import ClusterFolder, SavedState, home_folder
from cluster.parts import (
    BEHIND_GATEWAY,
    ROLES,
    SERVERS,
    WITH_STORE,
    Kind,
    Part,
    find_part,
    missing_ports,
)
from cluster.port_check import require_free_ports
from cluster.preflight import check_path
from cluster.progress import NoProgress, Progress
from cluster.runtime import RUNNING, Condition, Plan, Runtime
from cluster.runtimes import open_runtime
from cluster.servers import haproxy_socket
from cluster.servers.haproxy_servers import Server
from cluster.settings import DEFAULT_NAME, Settings
from cluster.state import ClusterState
from cluster.waiting import Waiting

STOP_PATIENCE_S = 15.0
DRAIN_PATIENCE_S = 120.0


class Cluster:
    """A cluster in its folder. `create` and `open` make one; all methods may be called again.

    Not safe for two commands at a time: hold `folder.lock()` around what changes it.
    """

    def __init__(self, folder: ClusterFolder, saved: SavedState) -> None:
        self.folder = folder
        self.runtime: Runtime = open_runtime(saved.settings, folder, os.environ)
        self._state = ClusterState(folder, self.runtime, saved)
        self._waiting = Waiting(self.runtime)

    @classmethod
    def create(cls, settings: Settings, home: Path | None = None) -> Cluster:
        """The cluster of that name with these settings: a new one, or the one in the folder with
        its settings changed. Chooses ports, starts nothing. Raises SettingsConflict; ConfigError,
        PortTaken or CannotListen for what could not start.
        """
        folder = ClusterFolder(home or home_folder(os.environ), settings.name)
        check_path(folder.path)
        cluster = cls(folder, folder.load() if folder.exists() else SavedState(settings))
        if not folder.exists():
            cluster._state.refuse_unknown_parts()
        cluster._state.change_to(settings)
        return cluster

    @classmethod
    def open(cls, name: str = DEFAULT_NAME, home: Path | None = None) -> Cluster:
        """The cluster in the folder. Raises NoCluster, or StateLost."""
        folder = ClusterFolder(home or home_folder(os.environ), name)
        saved = folder.load()
        if missing := missing_ports(saved.settings, saved.ports):
            raise StateLost(folder.state_file, f"it lacks {', '.join(missing)}")
        return cls(folder, saved)

    @classmethod
    def rescue(cls, name: str = DEFAULT_NAME, home: Path | None = None) -> Cluster:
        """What is left of a cluster that `open` cannot open. It has no `parts`: only `runtime` and
        `folder` are of use, and `down` and `clean`. Raises NoCluster if nothing is left.
        """
        folder = ClusterFolder(home or home_folder(os.environ), name)
        if not folder.has_remains():
            raise NoCluster(name)
        return cls(folder, folder.guess())

    @property
    def settings(self) -> Settings:
        """What it is made of."""
        return self._state.settings

    @property
    def parts(self) -> list[Part]:
        """All parts, in the order in which they start."""
        return self._state.parts

    @property
    def http_url(self) -> str:
        """The gateway over HTTP, without a slash at the end."""
        gateway = self.part(Kind.HAPROXY)
        return f"http://{join_port(gateway.host, gateway.ports['http'])}"

    @property
    def https_url(self) -> str:
        """The gateway over HTTPS and HTTP/2; its certificate is signed by `ca_file`."""
        gateway = self.part(Kind.HAPROXY)
        host = "localhost" if gateway.host == LOOPBACK else gateway.host
        return f"https://{join_port(host, gateway.ports['https'])}"

    @property
    def ca_file(self) -> Path:
        """The certificate of the development CA."""
        return self.folder.ca / "ca.pem"

    def part(self, name: str) -> Part:
        """Raises UnknownPart."""
        return find_part(self.parts, name)

    def address(self, name: str, use: str) -> tuple[str, int]:
        """Where one listener of a part is reached from this machine, until its next start. Raises
        UnknownPart, and ClusterError while it has no address.
        """
        part = self.part(name)
        host = self.runtime.host(part)
        if host is None:
            raise ClusterError(f"{name} has no address now")
        return host, part.ports[use]

    def url(self, name: str, use: str = "ops") -> str:
        """A part's own plain HTTP listener (`ops` or `public`), without a slash at the end. Raises
        as `address`.
        """
        host, port = self.address(name, use)
        return f"http://{join_port(host, port)}"

    def pid(self, name: str) -> int | None:
        """The part's process id while it runs. Raises UnknownPart."""
        return self.runtime.pid(self.part(name).name)

    def condition(self, name: str) -> Condition:
        """What the part is doing. Raises UnknownPart."""
        return self.runtime.condition(self.part(name).name)

    async def up(self, progress: Progress | None = None) -> None:
        """Start everything that does not run, resume what is paused, and wait until the gateway
        is ready.

        Raises StepFailed, PortTaken or NotInstalled; what did start keeps running.
        """
        progress = progress or NoProgress()
        if self._state.moved_from is not None:
            await self._move_here(progress)
        if self.condition(Kind.HAPROXY) not in RUNNING:
            require_free_ports(self.part(Kind.HAPROXY), self.settings)  # before anything is started
        self.choose_ports_again_if_nothing_runs()
        await self.runtime.prepare(self.plan(), progress)
        await self._stop_surplus(progress)
        started: list[Part] = []
        for kinds in (SERVERS, ROLES):
            group = [part for part in self.parts if part.kind in kinds]
            if group:
                with progress.step(_title(group)):
                    await self._start_group(group, started, progress)
                started += group
        with progress.step("the store"):
            await self._waiting.until_posts_accepted(
                [part for part in self.parts if part.kind in WITH_STORE]
            )
        with progress.step(Kind.HAPROXY):
            await self._start_gateway(self.part(Kind.HAPROXY))

    async def start(self, name: str, *, wait: bool = True) -> None:
        """Start one part if it does not run (a paused one goes on), and wait until it is ready.
        Raises as `up`.
        """
        part = self.part(name)
        await self._launch(part)
        if wait:
            await self._wait_ready([part], [], NoProgress())
            await self._tell_gateway(part)

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

    def partition(self, name: str) -> None:
        """Cut a part off from all others. Raises ClusterError where that cannot be."""
        self.runtime.partition(self.part(name).name)

    def heal(self, name: str) -> None:
        """Undo `partition`."""
        self.runtime.heal(self.part(name).name)

    async def wait_ready(self, name: str, timeout_s: float | None = None) -> None:
        """Until the part says that it is ready; None: what its kind may take. Raises StepFailed."""
        await self._waiting.until_ready(self.part(name), timeout_s)

    def set_environment(self, scope: str, **variables: str) -> None:
        """Variables for the next start of a part ("node-1"), a role ("node") or "all"."""
        known = self.settings.environment
        environment = known | {scope: known.get(scope, {}) | variables}
        self._state.save(dataclasses.replace(self.settings, environment=environment))

    def choose_ports_again_if_nothing_runs(self) -> None:
        """After a reboot others may have taken our ports; the gateway's are the person's choice."""
        self._state.choose_ports_again_if_nothing_runs()

    async def down(self, progress: Progress | None = None) -> None:
        """Stop every part that was ever started here, the gateway first; keeps all data."""
        progress = progress or NoProgress()
        running = self.runtime.names()
        for kinds in ((Kind.HAPROXY,), *((role,) for role in reversed(ROLES)), SERVERS):
            names = [name for name in running if name.partition("-")[0] in kinds]
            if names:
                with progress.step(f"stopping {', '.join(names)}"):
                    await asyncio.gather(*(self._stop_quietly(name) for name in names))

    async def clean(self, progress: Progress | None = None) -> None:
        """`down`, and forget everything, data included."""
        await self.down(progress)
        await self.runtime.remove()
        self.folder.remove()

    def plan(self) -> Plan:
        """What it is to be made of now."""
        return Plan(self.settings, self.parts)

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

    async def _move_here(self, progress: Progress) -> None:
        """Start anew in the place that the folder was moved or copied to. What runs was started
        with the old paths, and ZooKeeper's data names processes that do not exist here.
        """
        place = self._state.moved_from
        progress.note(
            f"this cluster was moved or copied from {place}: all parts are restarted, comments stay"
        )
        await self.down(progress)
        for part in self.parts:
            if part.kind is Kind.ZOOKEEPER:
                await self.runtime.discard_data(part.name)
        self._state.move_here()

    async def _start_group(
        self, group: list[Part], started: list[Part], progress: Progress
    ) -> None:
        await asyncio.gather(*(self._launch(part) for part in group))
        await self._wait_ready(group, started, progress)

    async def _wait_ready(self, group: list[Part], started: list[Part], progress: Progress) -> None:
        """Until all are. A ZooKeeper that ends instead begins anew without its data, once: a crash
        may leave files that it cannot read. That costs nothing, for everybody registers again. It
        is the last resort: what a full disk leaves is mended without loss (see
        cluster.servers.zookeeper.remove_empty_logs).
        """
        old = [part for part in group if part.kind is Kind.ZOOKEEPER]
        while True:
            try:
                await self._waiting.until_all_ready(group, started)
                return
            except StepFailed:
                dead = [part for part in old if self.condition(part.name) not in RUNNING]
                if not dead:
                    raise
            for part in dead:
                old.remove(part)
                progress.note(f"{part.name} cannot read its data and starts with none")
                await self.runtime.discard_data(part.name)
                await self._launch(part)

    async def _start_gateway(self, part: Part) -> None:
        await self._launch(part)
        servers = self._servers()
        await self._waiting.fill_slots(part, servers)
        await self.runtime.renew_gateway()
        behind = [part for part in self.parts if part.kind in BEHIND_GATEWAY]
        await self._waiting.until_all_ready([part], behind)
        await self._waiting.until_gateway_sees(part, behind)

    async def _launch(self, part: Part) -> None:
        if self.runtime.condition(part.name) in RUNNING:
            self.runtime.resume(part.name)
            self.runtime.heal(part.name)
        else:
            await self.runtime.start(self.plan(), part)

    async def _tell_gateway(self, part: Part) -> None:
        """A part may have another address after a start."""
        servers = {name: server for name, server in self._servers().items() if name == part.name}
        if servers and self.runtime.condition(Kind.HAPROXY) is Condition.RUNNING:
            await self._waiting.fill_slots(self.part(Kind.HAPROXY), servers)

    def _servers(self) -> dict[str, Server]:
        """What the gateway has to know, by name: where its servers are now."""
        servers = {}
        for part in self.parts:
            host = self.runtime.host(part)
            if part.kind in BEHIND_GATEWAY and host is not None:
                servers[part.name] = Server(
                    part.number, host, part.ports["public"], part.ports["ops"]
                )
        return servers

    async def _empty_slots(self, names: list[str]) -> None:
        if self.runtime.condition(Kind.HAPROXY) is Condition.RUNNING:
            await haproxy_socket.empty_slots(self.runtime.control(), names)

    async def _stop_quietly(self, name: str) -> None:
        await self.runtime.stop(name, patience_s=STOP_PATIENCE_S, hurry=True)


def _title(group: list[Part]) -> str:
    counts: dict[Kind, int] = {}
    for part in group:
        counts[part.kind] = counts.get(part.kind, 0) + 1
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())
