"""A new identity for a keyspace, for one that was restored from an older copy; see new_epoch.

Only the identity changes, by compare-and-set; comments are restamped when they are read. A writer
that still uses the keyspace ends itself when it sees the change.
"""

from __future__ import annotations

from cassandra import DriverException
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import SimpleStatement

from wire.errors import StoreUnavailable
from wire.ids import is_epoch, new_epoch
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import level, new_cluster, serial_level


def renew_keyspace_epoch(config: CassandraConfig) -> tuple[str, str]:
    """Give the store in a keyspace a new epoch; returns the old one and the new one. Blocks.

    No writer may use it. Raises StoreUnavailable if it does not answer, holds no store, or the
    outcome is unknown (then try again: one more change does no harm).
    """
    try:
        cluster = new_cluster(config)
        try:
            return _renew(cluster.connect(), config)
        finally:
            cluster.shutdown()
    except (DriverException, NoHostAvailable, OSError) as exc:
        raise StoreUnavailable(f"Cassandra: {exc}") from exc


def _renew(session: Session, config: CassandraConfig) -> tuple[str, str]:
    table = f"{config.keyspace}.identity"
    read = SimpleStatement(
        f"SELECT epoch FROM {table} WHERE name = 'store'",  # noqa: S608 - a checked name
        consistency_level=serial_level(config),
    )
    row = session.execute(read).one()
    if row is None or not is_epoch(row[0] or ""):
        raise StoreUnavailable(f"the keyspace {config.keyspace} has no epoch")
    old, new = str(row[0]), new_epoch()
    change = SimpleStatement(
        f"UPDATE {table} SET epoch = %s WHERE name = 'store' IF epoch = %s",  # noqa: S608
        consistency_level=level(config),
        serial_consistency_level=serial_level(config),
    )
    if not session.execute(change, (new, old)).was_applied:
        raise StoreUnavailable("another process is changing the epoch")
    return old, new
