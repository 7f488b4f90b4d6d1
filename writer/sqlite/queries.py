"""What is asked of the embedded store, as plain functions inside a transaction of the caller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from identity.roles import Rank
from wire.comment import encode_comment
from writer.idempotency import Earlier, body_digest, used_again
from writer.sqlite.log import read_head, write_head
from writer.sqlite.rules import StoredDecider
from writer.store import Appended, AuthoredPage, Item, Outcome, Page

AUTHORED_BUCKET = 20_000  # numbers for which it is known who is among the authors; see the schema
HELD_BUCKET = -1  # that of no number: of authors with comments that wait for a moderator


def append_group(
    connection: sqlite3.Connection, epoch: str, video_id: str, items: Sequence[Item], now_s: float
) -> list[Appended]:
    """Number and insert one group. Needs the write lock, so that the head cannot move meanwhile."""
    before, rules = _read_head_and_rules(connection, video_id)
    head, decider = before, None
    if rules is not None or any(item.comment.rank > Rank.MEMBER for item in items):
        decider = StoredDecider(connection, video_id, rules, now_s)
    earlier: dict[str, Earlier] = {}  # keys of this group, so that equal ones fold
    comments: list[tuple[str, int, bytes]] = []
    keys: list[tuple[str, str, int, bytes, float]] = []
    authored: set[tuple[str, str, int]] = set()
    results: list[Appended] = []
    for item in items:
        digest = b""
        if item.key is not None:
            digest = body_digest(item.comment)
            known = earlier.get(item.key) or _read_key(connection, video_id, item.key)
            if known is not None:
                results.append(used_again(known, digest))
                continue
        if decider is not None and (refusal := decider.refuse(item.comment)) is not None:
            results.append(Appended(Outcome.REFUSED, 0, b"", refusal))
            continue
        head += 1
        raw = encode_comment(epoch, video_id, head, item.comment, item.created_at)
        comments.append((video_id, head, raw))
        results.append(Appended(Outcome.NEW, head, raw))
        if item.comment.author_id:
            authored.add((item.comment.author_id, video_id, (head - 1) // AUTHORED_BUCKET))
        if item.key is not None:
            earlier[item.key] = Earlier(head, digest, raw)
            keys.append((video_id, item.key, head, digest, now_s))
    if head != before:
        connection.executemany("INSERT INTO comments VALUES (?, ?, ?)", comments)
        if authored:
            # Nearly always there already, and then no page changes.
            connection.executemany("INSERT OR IGNORE INTO authored VALUES (?, ?, ?)", authored)
        if keys:
            # REPLACE: a key whose comment was removed by retention stands for nothing any more.
            connection.executemany("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)", keys)
        write_head(connection, video_id, head)
        if decider is not None:
            decider.end()
    return results


def write_nothing_new(connection: sqlite3.Connection) -> None:
    """Write a page that says what it said before. SQLite skips an UPDATE to the same value."""
    connection.execute("REPLACE INTO meta SELECT name, value FROM meta WHERE name = 'epoch'")


def read_heads(connection: sqlite3.Connection, video_ids: Sequence[str]) -> dict[str, int]:
    """Newest numbers of some videos. One statement, since each one costs a change of threads."""
    heads = dict.fromkeys(video_ids, 0)
    heads.update(
        connection.execute(
            "SELECT video_id, head FROM heads WHERE video_id IN (SELECT value FROM json_each(?))",
            (json.dumps(tuple(heads)),),
        )
    )
    return heads


def read_range(connection: sqlite3.Connection, video_id: str, after: int, through: int) -> Page:
    """Comments with after < seq <= through."""
    rows = connection.execute(
        "SELECT seq, raw FROM comments WHERE video_id = ? AND seq > ? AND seq <= ? ORDER BY seq",
        (video_id, after, through),
    ).fetchall()
    return _page(connection, video_id, rows)


def read_recent(
    connection: sqlite3.Connection, video_id: str, limit: int, before: int | None
) -> Page:
    """The newest `limit` comments (with seq < before)."""
    rows = connection.execute(
        "SELECT seq, raw FROM comments WHERE video_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (video_id, 2**62 if before is None else before, limit),
    ).fetchall()
    return _page(connection, video_id, rows[::-1])


def read_authored(
    connection: sqlite3.Connection, author_id: str, video_id: str, after: int, limit: int
) -> AuthoredPage:
    """As CommentStore.authored: shown ones, and removed ones that are kept. Up to the end of one
    bucket.
    """
    mark = b'"author_id":"%s"' % author_id.encode()
    buckets = connection.execute(
        "SELECT bucket FROM authored WHERE author_id = ? AND video_id = ? AND bucket >= ?"
        " ORDER BY bucket LIMIT 2",
        (author_id, video_id, after // AUTHORED_BUCKET),
    ).fetchall()
    if not buckets:
        return AuthoredPage((), after, False)
    ((bucket,), *later) = buckets
    edge = (bucket + 1) * AUTHORED_BUCKET
    rows = connection.execute(
        "SELECT seq FROM comments WHERE video_id = ?1 AND seq > ?2 AND seq <= ?3"
        ' AND instr(raw, ?4) AND NOT instr(substr(raw, 1, 64), CAST(\'"type":"\' AS BLOB))'
        " UNION SELECT seq FROM removed WHERE video_id = ?1 AND seq > ?2 AND seq <= ?3"
        " AND raw IS NOT NULL AND instr(raw, ?4) ORDER BY seq LIMIT ?5",
        (video_id, max(after, edge - AUTHORED_BUCKET), edge, mark, limit),
    )
    found = tuple(seq for (seq,) in rows)
    if len(found) == limit:
        return AuthoredPage(found, found[-1], True)
    return AuthoredPage(found, edge, bool(later))


def read_authored_videos(
    connection: sqlite3.Connection, author_id: str, after: str, limit: int
) -> list[str]:
    """As CommentStore.authored_videos."""
    rows = connection.execute(
        "SELECT DISTINCT video_id FROM authored WHERE author_id = ? AND video_id > ?"
        " ORDER BY video_id LIMIT ?",
        (author_id, after, limit),
    )
    return [video_id for (video_id,) in rows]


def sweep_keys(connection: sqlite3.Connection, used_before_s: float, limit: int) -> int:
    """Forget up to `limit` keys used before a wall-clock time; how many there were."""
    cursor = connection.execute(
        "DELETE FROM keys WHERE (video_id, key) IN"
        " (SELECT video_id, key FROM keys WHERE used_at < ? ORDER BY used_at LIMIT ?)",
        (used_before_s, limit),
    )
    return cursor.rowcount


def _read_head_and_rules(connection: sqlite3.Connection, video_id: str) -> tuple[int, bytes | None]:
    # One statement: nearly all videos have no rules, and pay as little as can be for it.
    head, rules = connection.execute(
        "SELECT (SELECT head FROM heads WHERE video_id = ?1),"
        " (SELECT body FROM rules WHERE video_id = ?1)",
        (video_id,),
    ).fetchone()
    return head or 0, rules


def _page(connection: sqlite3.Connection, video_id: str, rows: Sequence[tuple[int, bytes]]) -> Page:
    head = read_head(connection, video_id)
    oldest = connection.execute(
        "SELECT seq FROM comments WHERE video_id = ? ORDER BY seq LIMIT 1", (video_id,)
    ).fetchone()
    return Page(
        first_seq=rows[0][0] if rows else 0,
        comments=tuple(raw for _, raw in rows),
        oldest=oldest[0] if oldest else head + 1,
        head=head,
    )


def _read_key(connection: sqlite3.Connection, video_id: str, key: str) -> Earlier | None:
    row = connection.execute(
        "SELECT k.seq, k.digest, c.raw FROM keys k JOIN comments c USING (video_id, seq)"
        " WHERE k.video_id = ? AND k.key = ?",
        (video_id, key),
    ).fetchone()
    return None if row is None else Earlier(*row)
