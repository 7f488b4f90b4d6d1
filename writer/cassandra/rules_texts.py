"""CQL of the rules of videos: see `writer.cassandra.rule_rows`, `slots` and `repeats`."""

from __future__ import annotations

KEEP_WAITING_S = 2

RULES_TEXTS = {
    "rules": "SELECT part, version, body FROM {k}.rules WHERE video_id = ? AND part IN ?",
    "rules_after": "SELECT part, body FROM {k}.rules WHERE video_id = ? AND part > ? LIMIT ?",
    "write_rules": "UPDATE {k}.rules SET version = ?, body = ?"
    " WHERE video_id = ? AND part = ? IF version = ?",
    "note_waiting": "INSERT INTO {k}.rules (video_id, part, version) VALUES (?, ?, 0)"
    " USING TTL {keep_waiting_s}",
    "slots": "SELECT key, stands_for FROM {k}.comments {in_bucket} AND seq = 0 AND key IN ?",
    "add_slot": "INSERT INTO {k}.comments (video_id, bucket, seq, key, stands_for)"
    " VALUES (?, ?, 0, ?, ?) USING TTL ?",
    "repeats": "SELECT seq, since FROM {k}.repeats {in_bucket} AND seq IN ?",
    # The lower the number, the higher the time stamp: the lowest one wins, whoever writes last.
    "note_repeat": "INSERT INTO {k}.repeats (video_id, bucket, seq, since) VALUES (?, ?, ?, ?)"
    " USING TIMESTAMP ?",
}
RULES_CONDITIONS = {"write_rules", "add_slot"}
