"""All CQL that is used after the start, as prepared statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cassandra.cluster import Session
from cassandra.query import BatchStatement, BatchType, BoundStatement, PreparedStatement

from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import level, serial_level
from writer.cassandra.layout import ANCHOR, Buckets, pack, slot_key
from writer.cassandra.moderation_texts import MODERATION_CONDITIONS, MODERATION_TEXTS
from writer.cassandra.rules_texts import KEEP_WAITING_S, RULES_CONDITIONS, RULES_TEXTS
from writer.held import HELD_KEPT_S
from writer.stepwise.group import Group

# A key is kept for longer than the 24 h that are promised, and its hint for longer than the key:
# clocks differ, and the hint is written first.
KEEP_KEYS_S = 25 * 3600
KEEP_HINTS_S = 26 * 3600

_TEXTS = {
    "epoch": "SELECT epoch FROM {k}.identity WHERE name = 'store'",
    # With its first row, which is the anchor: what a condition on the head reads too.
    "head": "SELECT head, seq FROM {k}.comments {in_bucket} LIMIT 1",
    "rows": "SELECT seq, pack FROM {k}.comments {in_bucket} AND seq > ? AND seq < ?",
    "next": "SELECT seq, pack, group_token FROM {k}.comments"
    " {in_bucket} AND seq > ? AND seq < ? LIMIT 1",
    "pack": "SELECT seq, pack, TTL(pack) FROM {k}.comments"
    " {in_bucket} AND seq > ? AND seq < ? LIMIT 1",
    # The TTL is what the pack has left: to rewrite a comment does not keep it for longer.
    "rewrite_pack": "UPDATE {k}.comments USING TTL ? SET pack = ?"
    " {in_bucket} AND seq = ? AND key = '' IF pack = ?",
    "removed": "SELECT seq, raw, since, notice, restoring, restored FROM {k}.removed"
    " {in_bucket} AND seq IN ?",
    "keep_text": "UPDATE {k}.removed USING TTL ? SET raw = ? {in_bucket} AND seq = ?",
    "keep_since": "UPDATE {k}.removed SET since = ? {in_bucket} AND seq = ? IF since = ?",
    "keep_notice": "UPDATE {k}.removed SET notice = ? {in_bucket} AND seq = ? IF since = ?",
    "keep_restored": "UPDATE {k}.removed SET restoring = null, restored = ?"
    " {in_bucket} AND seq = ? IF restoring = ?",
    "keep_restoring": "UPDATE {k}.removed SET restoring = ?, restored = ?"
    " {in_bucket} AND seq = ? IF restoring = ? AND since = ? AND raw = ?",
    "keys": "SELECT key, stands_for, digest FROM {k}.comments {in_bucket} AND seq = 0 AND key IN ?",
    "key_buckets": "SELECT key, bucket FROM {k}.key_buckets"
    " WHERE video_id = ? AND shard = ? AND key IN ?",
    "note_key_bucket": "INSERT INTO {k}.key_buckets (video_id, shard, key, bucket)"
    " VALUES (?, ?, ?, ?) USING TTL {keep_hints_s}",
    "newest_bucket": "SELECT bucket FROM {k}.newest_buckets WHERE video_id = ?",
    # The bucket as its own time stamp: a higher one always wins, whoever writes last.
    "note_newest_bucket": "INSERT INTO {k}.newest_buckets (video_id, bucket) VALUES (?, ?)"
    " USING TIMESTAMP ?",
    # Head and anchor never expire, not even by a TTL that somebody has given to the table.
    "set_head": "UPDATE {k}.comments USING TTL 0 SET head = ? {in_bucket} IF head = ?",
    "add_anchor": "INSERT INTO {k}.comments (video_id, bucket, seq, key)"
    " VALUES (?, ?, {anchor}, '') USING TTL 0",
    "add_pack": "INSERT INTO {k}.comments (video_id, bucket, seq, key, pack, group_token)"
    " VALUES (?, ?, ?, '', ?, ?) USING TTL ?",
    "add_key": "INSERT INTO {k}.comments (video_id, bucket, seq, key, stands_for, digest)"
    " VALUES (?, ?, 0, ?, ?, ?) USING TTL {keep_keys_s}",
}
_NOT_IDEMPOTENT = (
    MODERATION_CONDITIONS
    | RULES_CONDITIONS
    | {
        *("set_head", "add_pack", "add_key"),
        *("rewrite_pack", "keep_since", "keep_notice", "keep_restoring", "keep_restored"),
    }
)


@dataclass(frozen=True, slots=True)
class Statements:
    """Made once for each link; the methods give statements that are ready to be sent."""

    prepared: dict[str, PreparedStatement]
    level: int
    serial_level: int
    retention_s: int

    @classmethod
    def prepare(cls, session: Session, config: CassandraConfig) -> Statements:
        """On a thread, it blocks. Raises what the driver raises."""
        names = {
            "k": config.keyspace,
            "in_bucket": "WHERE video_id = ? AND bucket = ?",
            "anchor": ANCHOR,
            "keep_keys_s": KEEP_KEYS_S,
            "keep_hints_s": KEEP_HINTS_S,
            "keep_waiting_s": KEEP_WAITING_S,
            "keep_held_s": int(HELD_KEPT_S),
        }
        texts = _TEXTS | MODERATION_TEXTS | RULES_TEXTS
        prepared = {name: session.prepare(text.format(**names)) for name, text in texts.items()}
        for name, statement in prepared.items():
            statement.is_idempotent = name not in _NOT_IDEMPOTENT
        return cls(prepared, level(config), serial_level(config), config.retention_s)

    def read(self, name: str, *values: object, serial: bool = False) -> BoundStatement:
        """A read, or an unconditional write; `serial`: it completes what is under way."""
        bound = self.prepared[name].bind(values)
        bound.consistency_level = self.serial_level if serial else self.level
        return bound

    def write_key_buckets(
        self, video_id: str, shard: int, keys: list[str], bucket: int
    ) -> BatchStatement:
        """Hints of one partition."""
        batch = BatchStatement(BatchType.UNLOGGED, consistency_level=self.level)
        batch.is_idempotent = True
        for key in keys:
            batch.add(self.prepared["note_key_bucket"].bind((video_id, shard, key, bucket)))
        return batch

    def conditional(self, parts: Iterable[tuple[str, Sequence[object]]]) -> BatchStatement:
        """Statements by name, with their values; all in one partition, all or nothing."""
        batch = BatchStatement(
            BatchType.UNLOGGED,
            consistency_level=self.level,
            serial_consistency_level=self.serial_level,
        )
        for name, values in parts:
            batch.add(self.prepared[name].bind(values))
        return batch

    def store(self, video_id: str, group: Group, token: bytes, buckets: Buckets) -> BatchStatement:
        """Insert the group with all that belongs to it, if the head has not moved."""
        bucket = buckets.after(group.head)
        batch = BatchStatement(
            BatchType.UNLOGGED,
            consistency_level=self.level,
            serial_consistency_level=self.serial_level,
        )
        begins = group.head == buckets.head_before(bucket)
        before = None if begins else group.head  # the first group of a bucket finds no head there
        batch.add(self.prepared["set_head"].bind((group.new_head, video_id, bucket, before)))
        if begins:
            batch.add(self.prepared["add_anchor"].bind((video_id, bucket)))
        for last, lines in pack(group.head + 1, group.raws):
            batch.add(
                self.prepared["add_pack"].bind(
                    (video_id, bucket, last, lines, token, self.retention_s)
                )
            )
        for key, (seq, digest) in group.keys.items():
            batch.add(self.prepared["add_key"].bind((video_id, bucket, key, seq, digest)))
        for slot, (used_ms, ttl_s) in group.slots.items():
            key = slot_key(slot)
            batch.add(self.prepared["add_slot"].bind((video_id, bucket, key, used_ms, ttl_s)))
        return batch
