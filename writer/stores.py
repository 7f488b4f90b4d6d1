"""Which store a process uses: of a writer and of the single process alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from service.config import ConfigError, EnvReader
from service.given_files import require_ca_file, require_file
from service.metrics import Exports
from writer.cassandra.config import CassandraConfig
from writer.dynamodb.config import DynamoConfig
from writer.metrics import WriterMetrics
from writer.moderation_store import ModerationStore
from writer.redaction import DAY_S, REMOVED_KEPT_S
from writer.sqlite.file_system import shared_file_system
from writer.sqlite.store import SqliteStore
from writer.stepwise.append import AppendStats
from writer.store import CommentStore, StoreReplaced, StoreTooNew

SQLITE, CASSANDRA, DYNAMODB = "sqlite", "cassandra", "dynamodb"
_SDK = "aiobotocore"


class ProcessStore(CommentStore, Protocol):
    """A store that tells what waits in it, and keeps what moderation needs beside the logs."""

    @property
    def moderation(self) -> ModerationStore:
        """Started and stopped with the store."""

    @property
    def queues(self) -> dict[str, int]:
        """Depths by name; always the same names."""


class _SteppingStore(Protocol):
    """A store that numbers in steps: see `writer.stepwise`."""

    stats: AppendStats

    @property
    def links(self) -> int:
        """How often the way to it was made from scratch."""

    @property
    def shared_heads(self) -> int:
        """Heads that were answered without a read of their own."""


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """`sqlite_path` counts for SQLite only, `cassandra` for Cassandra, `dynamodb` for DynamoDB.

    removed_kept_s: how long a removed comment can be restored. ledger: of erasures, for stores but
    SQLite, which has its own.
    """

    kind: str
    sqlite_path: Path
    cassandra: CassandraConfig
    removed_kept_s: float = REMOVED_KEPT_S
    dynamodb: DynamoConfig = field(default_factory=DynamoConfig)
    ledger: Path | None = None

    @classmethod
    def read(cls, env: EnvReader, sqlite_path: str | None = None) -> StoreConfig:
        """Read the settings from `env`; faults are left in `env`. `sqlite_path` is the default."""
        kind = env.choice("STORE", SQLITE, (SQLITE, CASSANDRA, DYNAMODB))
        cassandra, dynamodb = CassandraConfig.read(env), DynamoConfig.read(env)
        if kind == SQLITE and cassandra.retention_s:
            env.fault("RETENTION_S is only for STORE=cassandra and STORE=dynamodb")
        path = env.text("SQLITE_PATH", "-" if kind in (CASSANDRA, DYNAMODB) else sqlite_path)
        days = env.number("REMOVED_KEPT_DAYS", REMOVED_KEPT_S / DAY_S, 1 / DAY_S, 3_650)
        ledger = env.text("ERASURE_LEDGER", "")
        if kind == SQLITE and ledger:
            env.fault("ERASURE_LEDGER is not for STORE=sqlite, whose ledger is beside its file")
        return cls(
            kind, Path(path), cassandra, days * DAY_S, dynamodb, Path(ledger) if ledger else None
        )


def build_store(
    config: StoreConfig,
    registry: CollectorRegistry,
    metrics: WriterMetrics,
    end: Callable[[Exception], None],
) -> ProcessStore:
    """The store that is configured, not started, with its figures in `registry`. `end` is told why
    when the process should end, as the store is another one than it was, or too new. Raises
    ConfigError if a file that is named cannot be used, or if what the store needs is not installed.
    """

    def on_replaced(error: StoreReplaced) -> None:
        # What a person has to put right is said in one line, without a trace.
        end(ConfigError(str(error)) if isinstance(error, StoreTooNew) else error)

    if config.kind == CASSANDRA:
        return _build_cassandra(config, registry, on_replaced)
    if config.kind == DYNAMODB:
        return _build_dynamodb(config, registry, on_replaced)
    return _build_sqlite(config, metrics, on_replaced)


def _build_sqlite(
    config: StoreConfig, metrics: WriterMetrics, on_replaced: Callable[[StoreReplaced], None]
) -> ProcessStore:
    kind = shared_file_system(config.sqlite_path)
    if kind is not None:
        raise ConfigError(
            f"SQLITE_PATH={config.sqlite_path} is on {kind}, which other hosts share: SQLite is"
            " for writers of one host, on a local disk; writers of several need STORE=cassandra or"
            " STORE=dynamodb"
        )
    return SqliteStore(
        config.sqlite_path,
        on_replaced=on_replaced,
        on_swept=metrics.keys_swept.inc,
        removed_kept_s=config.removed_kept_s,
    )


def _build_cassandra(
    config: StoreConfig, registry: CollectorRegistry, on_replaced: Callable[[StoreReplaced], None]
) -> ProcessStore:
    require_ca_file("CASSANDRA_CA_FILE", config.cassandra.ca_file)
    require_file("CASSANDRA_PASSWORD_FILE", config.cassandra.password_file)
    from writer.cassandra.store import CassandraStore  # the driver costs a third of a start

    store = CassandraStore(
        config.cassandra,
        on_replaced=on_replaced,
        removed_kept_s=config.removed_kept_s,
        ledger=config.ledger,
    )
    _export_steps(Exports(registry), store)
    return store


def _build_dynamodb(
    config: StoreConfig, registry: CollectorRegistry, on_replaced: Callable[[StoreReplaced], None]
) -> ProcessStore:
    if find_spec(_SDK) is None:
        raise ConfigError(
            f"STORE=dynamodb needs {_SDK}, which is not installed; pip install"
            " 'livecomments[dynamodb]' brings it"
        )
    from writer.dynamodb.store import DynamoStore  # the SDK is large, and may not be there

    store = DynamoStore(
        config.dynamodb,
        on_replaced=on_replaced,
        removed_kept_s=config.removed_kept_s,
        ledger=config.ledger,
    )
    exports, calls = Exports(registry), store.session.stats
    _export_steps(exports, store)
    exports.counters(
        "store_calls_answered", "Calls, by what was called", "operation", lambda: dict(calls.calls)
    )
    exports.counters(
        "store_units", "Capacity units that calls consumed", "kind", lambda: dict(calls.units)
    )
    exports.counter(
        "store_throttled", "Calls that the service did not want", lambda: calls.throttled
    )
    exports.counter("store_repeated", "Calls that were tried again", lambda: calls.repeated)
    exports.counter(
        "store_failed_conditions",
        "Calls that changed nothing, but count as if they had",
        lambda: calls.failed_conditions,
    )
    exports.counter(
        "store_not_expiring",
        "Groups that stay longer than they should: that they go could not be written",
        lambda: store.retention.lost,
    )
    return store


def _export_steps(exports: Exports, store: _SteppingStore) -> None:
    stats = store.stats
    exports.counter(
        "store_lost_races",
        "Groups numbered again: another writer was first",
        lambda: stats.lost_races,
    )
    exports.counter(
        "store_unanswered", "Commits whose outcome was read back", lambda: stats.unanswered
    )
    exports.counter(
        "store_unsearched",
        "Comments refused: their key could not be looked up in time",
        lambda: stats.unsearched,
    )
    exports.counter(
        "store_made_room",
        "Groups that waited because another writer had lost every race",
        lambda: stats.made_room,
    )
    exports.counters(
        "store_outcomes", "What those reads found", "outcome", lambda: dict(stats.settled)
    )
    exports.counter("store_links", "Connections to the store made anew", lambda: store.links)
    exports.counter(
        "store_shared_heads", "Heads answered without a read", lambda: store.shared_heads
    )
