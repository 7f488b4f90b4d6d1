"""Reading configuration from the environment: every default in one place, every fault told at once.

Each process has one frozen `Config` with a `from_env`; nothing else reads the environment. A reader
collects what is wrong instead of stopping at the first fault; `done` raises them all together.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from service.cluster_map.peers import PeerSources, parse_peers
from service.failpoints import Armed, parse_failpoints
from wire.hosts import HOST_RULE, is_host, is_server, is_wildcard, parse_address
from wire.ids import is_service_id
from wire.origins import parse_origin
from wire.roles import Peer, Role

_DETOUR = re.compile(r"(?P<role>[a-z]+)/(?P<id>[^/=]+)=(?P<address>.+)")
_INTERNAL_HOST = "INTERNAL_HOST"
_LISTENERS = ("PUBLIC_HOST", _INTERNAL_HOST, "OPS_HOST")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """One or more environment variables are missing or wrong; the message lists all of them."""


class EnvReader:
    """Typed access to an environment. Not for use after `done`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without a default it must be set."""
        value = self._environ.get(name, "") or default
        if value is None:
            self._faults.append(f"{name} is not set")
            return ""
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number in [low, high]."""
        text = self._environ.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            self._faults.append(f"{name}={text} must be a number from {low:g} to {high:g}")
            return default
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        value = self.number(name, default, low, high)
        if value != int(value):
            self._faults.append(f"{name} must be a whole number")
        return int(value)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`."""
        value = self.text(name, default)
        if value not in allowed:
            self._faults.append(f"{name}={value} must be one of {', '.join(allowed)}")
        return value

    def switch(self, name: str, default: str = "off") -> bool:
        """`on` or `off`; default: which it is where nothing is said."""
        return self.choice(name, default, ("off", "on")) == "on"

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        """A list separated by commas; empty items are dropped."""
        return tuple(word.strip() for word in self.text(name, default).split(",") if word.strip())

    def peers(self, name: str, role: Role) -> tuple[Peer, ...]:
        """Processes of one role: `id=host:port`, separated by commas."""
        return tuple(filter(None, (self._peer(name, role, word) for word in self.words(name))))

    def origins(self, name: str) -> tuple[str, ...]:
        """Origins separated by commas, as browsers spell them; see `parse_origin`."""
        found = []
        for word in self.words(name):
            try:
                found.append(parse_origin(word))
            except ValueError as exc:
                self.fault(f"{name}: {exc}")
        return tuple(dict.fromkeys(found))

    def networks(self, name: str, default: str) -> tuple[Network, ...]:
        """IP addresses and networks (`10.0.0.0/8`), separated by commas."""
        found = []
        for word in self.words(name, default):
            try:
                found.append(ipaddress.ip_network(word))
            except ValueError:
                self.fault(f"{name}: {word} is no address and no network such as 10.0.0.0/8")
        return tuple(found)

    def servers(self, name: str, default: str, port: int) -> tuple[str, ...]:
        """Servers that are not ours: `host:port`, separated by commas; `port` is what counts where
        none is written.
        """
        words = self.words(name, default)
        for word in words:
            if parse_address(word, ours=False, port=port) is None:
                self.fault(f"{name}: {word} is not host:port")
        return words

    def renamed(self, old: str, new: str) -> None:
        """A variable with another name now: whoever still sets the old one is told."""
        if self._environ.get(old):
            self.fault(f"{old} is now called {new}")

    def fault(self, message: str) -> None:
        """Add a fault that the caller found; one that is known is not told again."""
        if message not in self._faults:
            self._faults.append(message)

    def _peer(self, name: str, role: Role, word: str) -> Peer | None:
        peer_id, _, text = word.partition("=")
        address = parse_address(text)
        if address is None or not is_service_id(peer_id):
            self.fault(f"{name}: {word} is not id=host:port, with {HOST_RULE}")
            return None
        return Peer(role, peer_id, *address)

    def done(self) -> None:
        """Raises ConfigError if anything was wrong."""
        if self._faults:
            raise ConfigError("; ".join(self._faults))


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What every process has: its name, where it listens, its certificates.

    `public_host`, `internal_host`, `ops_host`: the addresses of its listeners; a port of 0 means
    "any free one" (tests). `advertise_host` is what others are told to call.
    `detours`: role/id of a peer -> where to call it instead of where it says it is.
    `link_lifetime_s`: after which a connection between processes has been replaced.
    `ops_peers`: whom its map asks.
    """

    role: Role
    id: str
    public_host: str
    internal_host: str
    ops_host: str
    advertise_host: str
    internal_port: int
    ops_port: int
    tls_dir: Path
    log_level: str
    log_format: str
    detours: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    link_lifetime_s: float = 600.0
    ops_peers: PeerSources = field(default_factory=PeerSources)
    failpoints: tuple[Armed, ...] = ()
    stage_times: bool = False

    @classmethod
    def read(cls, env: EnvReader, role: Role, *, announced: bool = False) -> ServiceConfig:
        """Read the common settings from `env`; faults are left in `env`. `announced`: whether
        others are told where it is.
        """
        service_id = env.text("SERVICE_ID")
        if service_id and not is_service_id(service_id):
            env.fault(
                f"SERVICE_ID={service_id} must be 1 to 63 lower-case letters, digits and inner"
                " hyphens, such as the name of a pod"
            )
        public, internal, ops = (_read_host(env, name) for name in _LISTENERS)
        return cls(
            role=role,
            id=service_id,
            public_host=public,
            internal_host=internal,
            ops_host=ops,
            advertise_host=_read_advertised(env, internal, announced=announced),
            internal_port=env.integer("INTERNAL_PORT", 0, 0, 65535),
            ops_port=env.integer("OPS_PORT", 0, 0, 65535),
            tls_dir=Path(env.text("TLS_DIR", "tls")),
            log_level=env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
            log_format=env.choice("LOG_FORMAT", "auto", ("auto", "json", "console")),
            detours=_read_detours(env),
            link_lifetime_s=env.number("LINK_LIFETIME_S", 600, 1, 3600),
            ops_peers=_read_ops_peers(env),
            failpoints=_read_failpoints(env),
            stage_times=env.switch("STAGE_TIMES"),
        )


@dataclass(frozen=True, slots=True)
class PubSubConfig:
    """Where Redis is and into how many channels the videos are divided.

    Every process of a cluster must be told the same number. `url` may hold a password: never log
    it.
    """

    url: str
    channels: int

    @classmethod
    def read(cls, env: EnvReader) -> PubSubConfig:
        """Read the settings from `env`; faults are left in `env`."""
        url = env.text("REDIS_URL", "redis://127.0.0.1:6379")
        if not _is_redis_url(url):
            env.fault(
                "REDIS_URL must be redis://[[user]:password@]host:port, or rediss:// for TLS,"
                " without ? and #"
            )
        return cls(url, env.integer("CHANNELS", 64, 1, 16_384))


def read_viewer_counts(env: EnvReader) -> bool:
    """Whether viewers are told how many watch. All processes of a site should say the same."""
    return env.switch("VIEWER_COUNTS", "on")


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("redis", "rediss") and bool(parts.hostname and parts.port)
        named = named and is_server(parts.hostname or "")
        # What stands in a query the library takes for arguments of its connection.
        return named and "?" not in url and "#" not in url
    except ValueError:  # a port that is none
        return False


def _read_host(env: EnvReader, listener: str) -> str:
    """Where one of its listeners is, unless told otherwise where all are."""
    variable = _host_variable(env, listener)
    host = env.text(variable, "127.0.0.1")
    if not (is_host(host) or is_wildcard(host)):
        env.fault(f"{variable}={host} must be {HOST_RULE}")
    return host


def _host_variable(env: EnvReader, listener: str) -> str:
    return listener if env.text(listener, "") else "BIND_HOST"


def _read_advertised(env: EnvReader, internal: str, *, announced: bool) -> str:
    """Where others find the internal listener."""
    advertised = env.text("ADVERTISE_HOST", "")
    if advertised and not is_host(advertised):
        env.fault(f"ADVERTISE_HOST={advertised} must be {HOST_RULE}, which others can call")
    if announced and not advertised and is_wildcard(internal):
        variable = _host_variable(env, _INTERNAL_HOST)
        env.fault(
            f"{variable}={internal} is every address, which nobody can call: set ADVERTISE_HOST to"
            " the one at which others reach this process"
        )
    return advertised or internal


def _read_detours(env: EnvReader) -> dict[str, tuple[str, int]]:
    detours = {}
    for word in env.words("PEER_DETOURS"):
        match = _DETOUR.fullmatch(word)
        address = parse_address(match["address"]) if match else None
        if (
            match is None
            or address is None
            or match["role"] not in set(Role)
            or not is_service_id(match["id"])
        ):
            env.fault(f"PEER_DETOURS: {word} is not role/id=host:port, with {HOST_RULE}")
        else:
            detours[f"{match['role']}/{match['id']}"] = address
    return detours


def _read_ops_peers(env: EnvReader) -> PeerSources:
    found, wrong = parse_peers(env.words("OPS_PEERS"))
    for word in wrong:
        env.fault(f"OPS_PEERS: {word} is not [role/id=]host:port, with {HOST_RULE}")
    file = env.text("OPS_PEERS_FILE", "")
    return PeerSources(tuple(dict.fromkeys(found)), Path(file) if file else None)


def _read_failpoints(env: EnvReader) -> tuple[Armed, ...]:
    try:
        return parse_failpoints(env.text("FAILPOINT", ""))
    except ValueError as exc:
        env.fault(f"FAILPOINT: {exc}")
        return ()


def process_environ() -> Mapping[str, str]:
    """The environment of this process; called by `__main__` modules only."""
    return os.environ
