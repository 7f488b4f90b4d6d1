"""The schema and the store's identity: read with each new link, created where they are missing.

All of it blocks, and runs on a thread. Several writers may do it at the same time. Two servers that
create one table at once give it two ids, and rows are lost between them; so all writers send what
creates to the same server, which does one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from cassandra import AlreadyExists, DriverException
from cassandra.cluster import Cluster, NoHostAvailable, Session
from cassandra.metadata import KeyspaceMetadata
from cassandra.pool import Host
from cassandra.query import SimpleStatement

from wire.errors import StoreUnavailable
from wire.ids import is_epoch, new_epoch
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import level, serial_level
from writer.cassandra.statements import Statements
from writer.store import StoreTooNew

log = structlog.get_logger()

SCHEMA_VERSION = 3  # what earlier ones had is as it was; tables came
_SCHEMA = Path(__file__).with_name("schema.cql")
_TABLES = ("identity", "comments", "newest_buckets", "key_buckets", "removed")
_MODERATION_TABLES = ("held", "held_times", "calls", "erased", "revoked", "authored")
_RULES_TABLES = ("rules", "repeats")
_CHECKED_SERVERS = 9

_NOT_SYNCED = (
    "Cassandra's commitlog_sync is periodic: a 201 would not mean that a comment is on the disk."
    " Set it to batch or group there, or CASSANDRA_COMMIT_LOG=any here"
)


@dataclass(frozen=True, slots=True)
class Store:
    """A keyspace that can be used: its epoch, and its prepared statements."""

    epoch: str
    statements: Statements


def open_store(cluster: Cluster, session: Session, config: CassandraConfig) -> Store:
    """Make what is missing, read the identity, prepare.

    Raises what the driver raises, StoreTooNew, StoreUnavailable if the store has no identity, or a
    server acknowledges what it has not synced.
    """
    _require_synced_commits(cluster, session, config)
    if not _is_there(cluster, config.keyspace):
        _create(cluster, session, config)
    epoch = _ensure_identity(session, config)
    _warn_of_few_copies(cluster, config)
    return Store(epoch, Statements.prepare(session, config))


def statements_of(text: str) -> list[str]:
    """The statements in a file of CQL, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def _is_there(cluster: Cluster, keyspace: str) -> bool:
    known: KeyspaceMetadata | None = cluster.metadata.keyspaces.get(keyspace)
    return known is not None and all(
        table in known.tables for table in _TABLES + _MODERATION_TABLES + _RULES_TABLES
    )


def _create(cluster: Cluster, session: Session, config: CassandraConfig) -> None:
    host = min(_servers(cluster), key=lambda server: str(server.host_id))
    where = f"'{config.datacenter or 'replication_factor'}': {config.replication}"
    replication = f"{{'class': 'NetworkTopologyStrategy', {where}}}"
    text = _SCHEMA.read_text().replace("{keyspace}", config.keyspace)
    has_keyspace = config.keyspace in cluster.metadata.keyspaces
    for statement in statements_of(text.replace("{replication}", replication)):
        if has_keyspace and statement.startswith("CREATE KEYSPACE"):
            continue  # the operator made it, and we may have no right to
        with suppress(AlreadyExists):
            session.execute(statement, host=host)
    cluster.refresh_keyspace_metadata(config.keyspace)  # another writer may have made all of it
    log.info("store_schema_applied", keyspace=config.keyspace)


def _ensure_identity(session: Session, config: CassandraConfig) -> str:
    table = f"{config.keyspace}.identity"
    read = SimpleStatement(
        f"SELECT epoch, schema_version FROM {table} WHERE name = 'store'",  # noqa: S608
        consistency_level=level(config),
    )
    row = session.execute(read).one()
    if row is None or row[0] is None:
        insert = f"INSERT INTO {table} (name, epoch, schema_version)"
        _run_condition(
            session,
            config,
            f"{insert} VALUES ('store', %s, %s) IF NOT EXISTS",
            (new_epoch(), SCHEMA_VERSION),
        )
    elif row[1] is not None and row[1] < SCHEMA_VERSION:
        update = f"UPDATE {table} SET schema_version = %s WHERE name = 'store'"  # noqa: S608
        _run_condition(
            session, config, f"{update} IF schema_version = %s", (SCHEMA_VERSION, row[1])
        )
        log.info("store_schema_applied", before=row[1], version=SCHEMA_VERSION)
    elif row[1] == SCHEMA_VERSION and is_epoch(row[0]):
        return str(row[0])
    # Whoever was first; at a level at which nothing under way is missed.
    read.consistency_level = serial_level(config)
    row = session.execute(read).one()
    if row is None or not is_epoch(row[0] or ""):
        raise StoreUnavailable(f"the store's identity is {row}")
    if row[1] is not None and row[1] > SCHEMA_VERSION:
        raise StoreTooNew(row[1], SCHEMA_VERSION)
    if row[1] != SCHEMA_VERSION:
        raise StoreUnavailable(f"the store has schema version {row[1]}, not {SCHEMA_VERSION}")
    return str(row[0])


def _run_condition(
    session: Session, config: CassandraConfig, text: str, values: tuple[object, ...]
) -> None:
    statement = SimpleStatement(
        text, consistency_level=level(config), serial_consistency_level=serial_level(config)
    )
    session.execute(statement, values)


def _require_synced_commits(cluster: Cluster, session: Session, config: CassandraConfig) -> None:
    """Raise StoreUnavailable if a server acknowledges what is not on its disk, and nobody wants it
    so; a server that does not tell its settings is skipped.
    """
    for server in _servers(cluster)[:_CHECKED_SERVERS]:
        text = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'"
        try:
            row = session.execute(text, host=server).one()
        except (DriverException, NoHostAvailable):
            continue
        if row is not None and row[0] == "periodic":
            log.warning("commit_log_not_durable", server=str(server.endpoint), sync=row[0])
            if not config.any_commit_log:
                raise StoreUnavailable(_NOT_SYNCED)


def _warn_of_few_copies(cluster: Cluster, config: CassandraConfig) -> None:
    """With fewer than three, a server that is lost takes comments with it."""
    strategy = cluster.metadata.keyspaces[config.keyspace].replication_strategy
    copies, servers = _copies(strategy), len(_servers(cluster))
    if copies < min(3, servers):
        log.warning("store_has_few_copies", copies=copies, servers=servers)


def _copies(strategy: object) -> int:
    factors = getattr(strategy, "dc_replication_factors", None)
    if not factors:
        return int(getattr(strategy, "replication_factor", 1))
    return min(int(factor) for factor in factors.values())


def _servers(cluster: Cluster) -> Sequence[Host]:
    return [server for server in cluster.metadata.all_hosts() if server.is_up is not False]
