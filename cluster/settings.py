"""What a cluster is made of, as a person asks for it.

Settings are saved in the cluster's folder: an environment variable that is set changes one, all
others stay as they were the last time. A variable of the processes that is set to nothing gets its
default back.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.addresses import LOOPBACK, parse_bind
from service.config import EnvReader
from wire.topology import Topology

DEFAULT_NAME = "default"
DEV_NAME = "dev"
BIND = "BIND"  # the variable
GATEWAY_HTTP_PORT = 8080
GATEWAY_HTTPS_PORT = 8443
MAX_NODES = 16
MAX_OTHERS = 8
MAX_PORT = 65_535
# Set by a person for the processes; saved, and handed on to all of them.
CASSANDRA_HEAP = "CASSANDRA_HEAP"
CASSANDRA_JVM_OPTIONS = "CASSANDRA_JVM_OPTIONS"
PROCESS_VARIABLES = (
    "ALLOW_ANONYMOUS",
    "ANTIENTROPY_ACTIVE_S",
    "ANTIENTROPY_QUIET_S",
    "AUTH",
    "AUTHOR_ID_KEY_FILE",
    "AUTH_AUDIENCE",
    "AUTH_ISSUER",
    "AUTH_JWKS",
    "AUTH_JWKS_CA_FILE",
    "CASSANDRA_CONSISTENCY",
    CASSANDRA_HEAP,
    CASSANDRA_JVM_OPTIONS,
    "CASSANDRA_KEYSPACE",
    "CHANNELS",
    "CORS_ORIGINS",
    "DRAIN_NOTICE_S",
    "DRAIN_WINDOW_S",
    "DYNAMODB_TABLE",
    "EMBED_ORIGINS",
    "FRAME_BUDGET_MIB",
    "GET_RATE_PER_ADDRESS",
    "GUESTS",
    "HEARTBEAT_S",
    "LINGER_S",
    "LINK_LIFETIME_S",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "MAX_STREAMS",
    "MAX_STREAMS_PER_ADDRESS",
    "MAX_VIDEOS",
    "POST_RATE_PER_ADDRESS",
    "QUEUE_AGE_S",
    "QUEUE_BATCHES",
    "QUEUE_MIB",
    "READ_AUTH",
    "REMOVED_KEPT_DAYS",
    "RETENTION_S",
    "ROUTE_WAIT_S",
    "SLOW_AFTER_S",
    "TICKET_HOURS",
    "TICKET_KEY_FILE",
    "VIEWER_COUNTS",
    "ZOOKEEPER_SESSION_S",
)
# Of one process, or chosen by the cluster for each: they are not taken from a shell.
LEFT_ALONE = (
    "ADVERTISE_HOST",
    "BEHIND_GATEWAY",
    "BIND_HOST",
    "CASSANDRA",
    "CASSANDRA_CA_FILE",
    "CASSANDRA_COMMIT_LOG",
    "CASSANDRA_DC",
    "CASSANDRA_PASSWORD_FILE",
    "CASSANDRA_REPLICATION",
    "CASSANDRA_USER",
    "DRAIN_FLUSH_S",
    "DRAIN_SERVE_S",
    "DYNAMODB_ENDPOINT",
    "ERASURE_LEDGER",
    "FAILPOINT",
    "FORWARD_DEADLINE_S",
    "INTERNAL_HOST",
    "INTERNAL_PORT",
    "OPS_HOST",
    "OPS_PEERS",
    "OPS_PEERS_FILE",
    "OPS_PORT",
    "PEER_DETOURS",
    "PUBLIC_HOST",
    "PUBLIC_PORT",
    "PUBLISHED_ON",
    "REDIS_URL",
    "SERVICE_ID",
    "SQLITE_PATH",
    "STAGE_TIMES",
    "TLS_DIR",
    "TRUSTED_PROXIES",
    "WRITER_ADDRESSES",
    "ZOOKEEPER",
)
EVERY_PART = "all"
RUNTIMES = ("local", "docker")
STORES = ("sqlite", "cassandra", "dynamodb")
TOPOLOGIES = tuple(Topology)
PLACEMENTS = ("hash", "round_robin")
# In these the gateway does not know which node serves a video best: they lack just that.
_IN_TURN = (Topology.BROADCAST, Topology.PARTITIONED)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """`environment` holds variables for the processes, by part ("node-2"), by role ("node") or for
    "all"; the nearest wins. A gateway port of 0 is chosen when the cluster is made. No `placement`:
    the topology's own (see `viewers_placement`).
    """

    name: str = DEFAULT_NAME
    runtime: str = "local"
    store: str = "sqlite"
    topology: str = Topology.DISPATCHER
    placement: str = ""
    bind: str = LOOPBACK
    nodes: int = 3
    dispatchers: int = 2
    writers: int = 2
    zookeepers: int = 1
    cassandras: int = 1
    http_port: int = 0
    https_port: int = 0
    environment: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def viewers_placement(self) -> str:
        """How the gateway places viewers: as a person chose, else as the topology is meant."""
        return self.placement or ("round_robin" if self.topology in _IN_TURN else "hash")

    def variables_for(self, role: str, part: str) -> dict[str, str]:
        """The variables that a person or a test set for one process."""
        found: dict[str, str] = {}
        for scope in (EVERY_PART, role, part):
            found |= self.environment.get(scope, {})
        return found


def read_name(environ: Mapping[str, str]) -> str:
    """The name of the cluster that is meant. Raises ConfigError if it cannot be one."""
    env = EnvReader(environ)
    name = env.text("CLUSTER", DEFAULT_NAME)
    if _NAME.fullmatch(name) is None:
        env.fault("CLUSTER must be lower-case letters, digits and hyphens, at most 31")
    if name == DEV_NAME:
        env.fault(f"CLUSTER={name} is taken: `make dev` keeps its comments under that name")
    env.done()
    return name


def read_settings(environ: Mapping[str, str], known: Settings) -> Settings:
    """`known` with what is set in `environ`. Raises ConfigError with every fault at once."""
    env = EnvReader(environ)
    env.origins("CORS_ORIGINS")  # only to report its faults; the processes read it themselves

    def count(name: str, high: int) -> int:
        known_count: int = getattr(known, name.lower())
        return env.integer(name, known_count, 1, high)

    def one_or_three(name: str) -> int:
        return int(env.choice(name, str(getattr(known, name.lower())), ("1", "3")))

    def choice(name: str, allowed: tuple[str, ...]) -> str:
        return env.choice(name, getattr(known, name.lower()), allowed)

    settings = dataclasses.replace(
        known,
        runtime=choice("RUNTIME", RUNTIMES),
        store=choice("STORE", STORES),
        topology=choice("TOPOLOGY", TOPOLOGIES),
        placement=_placement(env, environ, known),
        bind=_bind(env, BIND, known.bind),
        zookeepers=one_or_three("ZOOKEEPERS"),
        cassandras=one_or_three("CASSANDRAS"),
        http_port=env.integer("HTTP_PORT", known.http_port, 0, MAX_PORT),
        https_port=env.integer("HTTPS_PORT", known.https_port, 0, MAX_PORT),
        environment=_with_variables(environ, known.environment),
        nodes=count("NODES", MAX_NODES),
        dispatchers=count("DISPATCHERS", MAX_OTHERS),
        writers=count("WRITERS", MAX_OTHERS),
    )
    env.done()
    return settings


def find_left_alone(environ: Mapping[str, str]) -> list[str]:
    """Variables of processes that are set and have no effect on a cluster that `up` makes."""
    return [name for name in LEFT_ALONE if environ.get(name)]


def read_dev_address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Where `make dev` listens. Raises ConfigError."""
    env = EnvReader(environ)
    bind = _bind(env, BIND if environ.get(BIND) else "BIND_HOST", LOOPBACK)
    known = env.integer("PUBLIC_PORT", GATEWAY_HTTP_PORT, 1, MAX_PORT)
    port = env.integer("HTTP_PORT", known, 1, MAX_PORT)
    env.done()
    return bind, port


def _bind(env: EnvReader, name: str, known: str) -> str:
    text = env.text(name, known)
    try:
        return parse_bind(text)
    except ValueError:
        env.fault(f"{name}={text} must be an address, such as {LOOPBACK}, 0.0.0.0, ::1 or ::")
        return known


def _placement(env: EnvReader, environ: Mapping[str, str], known: Settings) -> str:
    """Set to nothing, it is the topology's own again."""
    if environ.get("PLACEMENT", known.placement) == "":
        return ""
    return env.choice("PLACEMENT", known.placement, PLACEMENTS)


def _with_variables(
    environ: Mapping[str, str], known: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    asked = {name: environ[name] for name in PROCESS_VARIABLES if name in environ}
    if not asked:
        return known
    variables = known.get(EVERY_PART, {}) | asked
    return known | {EVERY_PART: {name: value for name, value in variables.items() if value}}
