"""What every process is built around, in one piece."""

from __future__ import annotations

from functools import cached_property

from service.config import ServiceConfig
from service.descriptors import Descriptors
from service.health import Health
from service.http_client import InternalClient
from service.metrics import Exports, new_registry
from service.stderr import lost_lines
from service.tasks import TaskHome
from service.tls import TlsFiles


class Shell:
    """Owned by the service (see service.runner.Service), used by all its parts."""

    def __init__(self, config: ServiceConfig) -> None:
        self.config = config
        self.health = Health()
        self.tasks = TaskHome()
        self.registry = new_registry()
        self._descriptors = Descriptors(self.health)
        exports = Exports(self.registry)
        exports.counter(
            "descriptor_shortages",
            "Seconds in which no file descriptor was free",
            lambda: self._descriptors.shortages,
        )
        exports.counter("log_lines_lost", "Log lines that could not be written", lost_lines)

    def start(self) -> None:
        """Begin what every process does all its life."""
        self.tasks.spawn(self._descriptors.watch(), "descriptors")

    @cached_property
    def tls(self) -> TlsFiles:
        """Its certificates; raises as TlsFiles does. A process that has none never asks."""
        return TlsFiles(self.config.tls_dir)

    def new_client(self) -> InternalClient:
        """For calls to other processes; its user starts and stops it."""
        return InternalClient(self.tls, detours=self.config.detours)

    def superseded(self) -> None:
        """Another process has taken this one's name: end."""
        self.tasks.fail(RuntimeError("a newer process has this id"))
