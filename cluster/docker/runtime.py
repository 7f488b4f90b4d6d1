"""The runtime of containers: compose makes them, the Docker SDK does everything else.

Invariants: a container is known by the labels of its compose project and service, and no two
folders have the same project (see cluster.docker.project), so that two clusters never meet. A
container that runs is never made anew; one that does not is, when what it is made from has changed.
A container whose exit status is that of a clean end was stopped, and so was one that has a
`run/<part>.stopped`; any other that ended is dead.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cluster.docker import logs
from cluster.docker.compose_command import Compose
from cluster.docker.compose_files import MADE_FROM, ComposeFiles
from cluster.docker.containers import Container, Containers
from cluster.docker.network import ContainerNetwork
from cluster.docker.prepare import CONTROL_PORT
from cluster.docker.project import keep_project, project_name
from cluster.errors import ClusterError
from cluster.files import replace_file
from cluster.folder import ClusterFolder
from cluster.issuer import DevelopmentIssuer
from cluster.parts import ROLES, Kind, Part
from cluster.port_check import require_free_ports
from cluster.progress import Progress
from cluster.runtime import RUNNING, Condition, Plan
from cluster.servers.haproxy_socket import TcpControl

_POLL_EVERY_S = 0.05
_HURRY_AFTER_S = 0.3
_KILL_WITHIN_S = 10.0
_ON_PURPOSE = (0, 143)  # 143: ended by SIGTERM, as a JVM says it
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
_EPOCHS = re.compile(r"the epoch was (\S+) and is (\S+)")


class DockerRuntime:
    """See cluster.runtime.Runtime. `environ` is the person's environment."""

    def __init__(self, folder: ClusterFolder, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._project = project = project_name(folder)
        self._files = ComposeFiles(folder.path / "compose", project)
        self._compose = Compose(self._files.folder, environ)
        self._containers = Containers(project, environ.get("DOCKER_HOST"))
        self._network = ContainerNetwork(self._containers, self._files.network)

    async def prepare(self, plan: Plan, progress: Progress) -> None:
        """As the protocol says."""
        self._write(plan)
        with progress.step("image"):
            await self._compose.run("build", "prepare")
        with progress.step("certificates"):
            said = await self._compose.run("run", "--rm", "--no-deps", "-T", "prepare")
            self._keep_certificates(said)
        stale = [part.name for part in plan.parts if self._is_stale(plan, part)]
        if stale:
            with progress.step("containers"):
                await self._make(stale)

    async def start(self, plan: Plan, part: Part) -> None:
        """As the protocol says."""
        if self.condition(part.name) in RUNNING:
            return
        if part.kind is Kind.HAPROXY:
            require_free_ports(part, plan.settings)
        self._write(plan)
        if self._is_stale(plan, part):
            await self._make([part.name])
        self._mark(part.name).unlink(missing_ok=True)
        self._network.prepare_start(part.name)
        await asyncio.to_thread(self._act, part.name, "start")

    def host(self, part: Part) -> str | None:
        """As the protocol says: the gateway's ports are published, the others' are in the
        project's network, which this machine reaches.
        """
        return part.host if part.kind is Kind.HAPROXY else self._network.address(part.name)

    async def renew_gateway(self) -> None:
        """The key stays in its volume: a gateway that runs has to be started again."""

    def control(self) -> TcpControl:
        """As the protocol says."""
        address = self._network.control_address()
        if address is None:
            raise ConnectionRefusedError("haproxy has no address")
        return TcpControl(address, CONTROL_PORT)

    def condition(self, name: str) -> Condition:
        """As the protocol says."""
        container = self._containers.find(name)
        if container is None or container.state == "created":
            return Condition.STOPPED
        if container.state == "paused":
            return Condition.PAUSED
        if container.state in ("running", "restarting"):
            connected = self._network.is_connected(name)
            return Condition.RUNNING if connected else Condition.PARTITIONED
        stopped = container.exit_code in _ON_PURPOSE or self._mark(name).exists()
        return Condition.STOPPED if stopped else Condition.DEAD

    def pid(self, name: str) -> int | None:
        """As the protocol says; as this machine counts them."""
        return self._state(name).get("Pid") or None

    def names(self) -> list[str]:
        """As the protocol says."""
        names = self._containers.by_service()
        return sorted(n for n in names if self.condition(n) is not Condition.STOPPED)

    async def stop(self, name: str, *, patience_s: float, hurry: bool) -> bool:
        """As the protocol says."""
        asked = time.monotonic()
        if self.condition(name) not in RUNNING:
            return True
        self.resume(name)  # a paused part could not hear it
        await asyncio.to_thread(self._signal, name, "SIGTERM")
        gone = await self._wait_gone(name, min(_HURRY_AFTER_S, patience_s))
        if hurry and not gone:
            await asyncio.to_thread(self._signal, name, "SIGTERM")
        gone = gone or await self._wait_gone(name, patience_s - (time.monotonic() - asked))
        if not gone:
            await self.kill(name)
        self._mark(name).parent.mkdir(parents=True, exist_ok=True)
        self._mark(name).touch()
        return gone

    async def kill(self, name: str) -> None:
        """As the protocol says; the part counts as dead, not as stopped."""
        await asyncio.to_thread(self._signal, name, "SIGKILL")
        if not await self._wait_gone(name, _KILL_WITHIN_S):
            raise ClusterError(f"{name} cannot be killed")

    def pause(self, name: str) -> None:
        """As the protocol says: by the engine's freezer."""
        if self.condition(name) in (Condition.RUNNING, Condition.PARTITIONED):
            self._act(name, "pause")

    def resume(self, name: str) -> None:
        """As the protocol says."""
        if self.condition(name) is Condition.PAUSED:
            self._act(name, "unpause")

    def partition(self, name: str) -> None:
        """As the protocol says: out of the network of the parts. The gateway keeps the other one,
        through which people reach it.
        """
        self._network.disconnect(name)

    def heal(self, name: str) -> None:
        """As the protocol says."""
        self._network.connect(name)

    def log_tail(self, name: str, lines: int, *, this_life: bool = False) -> str:
        """As the protocol says."""
        return logs.tail(self._containers, name, lines, this_life=this_life)

    def follow_logs(self, names: Sequence[str], *, lines: int) -> Iterator[tuple[str, str]]:
        """As the protocol says."""
        return logs.follow(self._containers, names, lines)

    async def renew_epoch(self) -> tuple[str, str]:
        """As the protocol says: in a container of its own, with the writers' volume."""
        writer, path = f"{Kind.WRITER}-1", "/data/comments.sqlite3"
        once = ("run", "--rm", "--no-deps", "-T", writer)
        said = _EPOCHS.search(await self._compose.run(*once, "cluster", "new-epoch", path))
        if said is None:
            raise ClusterError("the store did not print its new epoch")
        return said[1], said[2]

    async def discard_data(self, name: str) -> None:
        """As the protocol says: with its container, which the next start makes anew."""
        await asyncio.to_thread(self._containers.remove, name)

    async def remove(self) -> None:
        """As the protocol says."""
        await asyncio.to_thread(self._containers.remove_all, self._files.image)

    def _write(self, plan: Plan) -> None:
        keep_project(self._folder, self._project)
        self._files.network = self._network.ensure()
        issuer = DevelopmentIssuer.load_or_create(self._folder.issuer)
        self._files.issuer_jwks = issuer.jwks.decode()
        self._files.write(plan)

    def _keep_certificates(self, said: str) -> None:
        """The CA's and the gateway's, where processes have them too: for those who are to trust."""
        files = (self._folder.ca / "ca.pem", self._folder.gateway / "cert.pem")
        for file, pem in zip(files, _CERTIFICATE.findall(said), strict=False):
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, pem.encode())

    async def _make(self, names: Sequence[str]) -> None:
        """Create containers, or create them anew; none of them runs."""
        await self._compose.run("up", "--no-start", "--no-deps", "--force-recreate", *names)
        self._containers.forget()

    def _is_stale(self, plan: Plan, part: Part) -> bool:
        """Whether it has to be made (anew); never while it runs."""
        container = self._containers.find(part.name)
        if container is None:
            return True
        if self.condition(part.name) in RUNNING:
            return False
        changed = container.labels.get(MADE_FROM) != self._files.made_from(plan, part)
        changed = changed or self._network.has_gone(part.name)
        return changed or (part.kind in ROLES and self._has_old_image(container))

    def _has_old_image(self, container: Container) -> bool:
        images = self._containers.client.images.list(name=self._files.image)
        return container.image not in [image.id for image in images]

    def _state(self, name: str) -> dict[str, Any]:
        state: dict[str, Any] = self._containers.inspect(name).get("State", {})
        return state

    def _act(self, name: str, verb: str) -> None:
        with self._containers.changing(name) as (api, container):
            getattr(api, verb)(container)

    def _signal(self, name: str, signal: str) -> None:
        if self.condition(name) in RUNNING:
            self._containers.signal(name, signal)

    async def _wait_gone(self, name: str, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while await asyncio.to_thread(self.condition, name) in RUNNING:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_EVERY_S)
        return True

    def _mark(self, name: str) -> Any:
        return self._folder.run / f"{name}.stopped"
