"""CQL of what is kept for moderation beside the logs: see `writer.cassandra.moderation`."""

from __future__ import annotations

MODERATION_TEXTS = {
    "held": "SELECT body FROM {k}.held WHERE video_id = ? AND id = ?",
    "held_among": "SELECT body FROM {k}.held WHERE video_id = ? AND id IN ?",
    "held_since": "SELECT id FROM {k}.held_times WHERE video_id = ? AND held_ms > ? LIMIT ?",
    "held_of_video": "SELECT body FROM {k}.held WHERE video_id = ? AND id > ? LIMIT ?",
    "add_held": "INSERT INTO {k}.held (video_id, id, body) VALUES (?, ?, ?) IF NOT EXISTS"
    " USING TTL {keep_held_s}",
    "change_held": "UPDATE {k}.held USING TTL {keep_held_s} SET body = ?"
    " WHERE video_id = ? AND id = ? IF body = ?",
    "forget_held": "DELETE FROM {k}.held WHERE video_id = ? AND id = ? IF EXISTS",
    "add_held_time": "INSERT INTO {k}.held_times (video_id, held_ms, id) VALUES (?, ?, ?)"
    " USING TTL {keep_held_s}",
    "end_held_time": "DELETE FROM {k}.held_times WHERE video_id = ? AND held_ms = ? AND id = ?",
    "add_call": "INSERT INTO {k}.calls (video_id, at_ms, nonce, body) VALUES (?, ?, ?, ?)",
    "calls": "SELECT at_ms, nonce, body FROM {k}.calls"
    " WHERE video_id = ? AND (at_ms, nonce) < (?, ?) LIMIT ?",
    # The time that it was asked for as the time stamp: the latest one wins, whoever writes last.
    "note_erasure": "INSERT INTO {k}.erased (site, author_id, at_ms, done) VALUES (?, ?, ?, ?)"
    " USING TIMESTAMP ?",
    "end_erasure": "DELETE FROM {k}.erased USING TIMESTAMP ? WHERE site = ? AND author_id = ?",
    "erasures": "SELECT author_id, at_ms, done FROM {k}.erased"
    " WHERE site = ? AND author_id > ? LIMIT ?",
    "erasure": "SELECT author_id, at_ms, done FROM {k}.erased WHERE site = '*' AND author_id = ?",
    # The time as its own time stamp: the latest one wins, whoever writes last.
    "revoke": "INSERT INTO {k}.revoked (site, author_id, not_before) VALUES ('*', ?, ?)"
    " USING TIMESTAMP ?",
    "revocations": "SELECT author_id, not_before FROM {k}.revoked"
    " WHERE site = '*' AND author_id > ? LIMIT ?",
    "note_author": "INSERT INTO {k}.authored (author_id, video_id, bucket) VALUES (?, ?, ?)",
    "authored": "SELECT bucket FROM {k}.authored"
    " WHERE author_id = ? AND video_id = ? AND bucket >= ? LIMIT ?",
    "authored_after": "SELECT video_id FROM {k}.authored WHERE author_id = ? AND video_id > ?"
    " LIMIT 1",
    "removed_texts": "SELECT seq, raw FROM {k}.removed"
    " WHERE video_id = ? AND bucket = ? AND seq > ? AND seq <= ?",
}
MODERATION_CONDITIONS = {"add_held", "change_held", "forget_held"}
