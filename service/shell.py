"""What every process is built around, in one piece."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from service.config import ConfigError, ServiceConfig
from service.descriptors import Descriptors
from service.health import Health
from service.http_client import InternalClient
from service.http_server import HttpServer
from service.link.application import link_application
from service.link.incoming import Take
from service.link.limits import LinkLimits
from service.link.link import LinkContext
from service.link.listener import LinkListener
from service.metrics import Exports, new_registry
from service.outbox import OutboxLimits
from service.pulse import Pulse
from service.stderr import lost_lines
from service.tasks import TaskHome
from service.tls import TlsFiles, explain
from wire.roles import Role


class Shell:
    """Owned by the service (see service.runner.Service), used by all its parts."""

    def __init__(self, config: ServiceConfig) -> None:
        self.config = config
        self.health = Health()
        self.tasks = TaskHome()
        self.pulse = Pulse()
        self.link_limits = LinkLimits(lifetime_s=config.link_lifetime_s)
        self.registry = new_registry()
        self._tls: TlsFiles | None = None
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
        if self._tls is not None:
            self.tasks.spawn(self._tls.watch(self.health), "certificate")

    @property
    def tls(self) -> TlsFiles:
        """Its certificates. A process that has none never asks. Raises ConfigError unless they
        can be used, and others will accept them.
        """
        if self._tls is None:
            self._tls = self._load_tls()
        return self._tls

    def new_client(self) -> InternalClient:
        """For calls to other processes; its user starts and stops it."""
        return InternalClient(self.tls, detours=self.config.detours)

    def link_context(
        self, client: InternalClient, path: str, outbox: OutboxLimits, ack_deadline_s: float = 2.0
    ) -> LinkContext:
        """What its links to other processes share, at which they are opened with GET `path`."""
        limits = replace(self.link_limits, ack_deadline_s=ack_deadline_s)
        dial = partial(client.open_link, path=path)
        return LinkContext(dial, self.tasks, self.pulse, limits, outbox)

    def link_server(self, path: str, caller: Role, take: Take) -> HttpServer:
        """The internal listener of a process that is called by links only."""
        listener = LinkListener(caller, self.link_limits, self.pulse, take)
        exports = Exports(self.registry)
        exports.gauge("links_in", "Links from others", lambda: listener.connections)
        exports.counter(
            "links_replaced", "Links ended for a newer one of the same", lambda: listener.replaced
        )
        return HttpServer(
            link_application(path, listener),
            self.config.internal_host,
            self.config.internal_port,
            ssl_context=self.tls.server(),
            read_methods=(),  # a link ends by itself when its caller goes
        )

    def _load_tls(self) -> TlsFiles:
        config = self.config
        try:
            tls = TlsFiles(config.tls_dir, (config.role, config.id))
        except OSError as exc:
            raise ConfigError(f"TLS_DIR={config.tls_dir}: {explain(exc)}") from exc
        Exports(self.registry).gauge(
            "certificate_expires_in_days",
            "How long its certificate is still valid",
            lambda: tls.days_left,
        )
        return tls

    def superseded(self) -> None:
        """Another process has taken this one's name: end."""
        self.tasks.fail(RuntimeError("a newer process has this id"))
