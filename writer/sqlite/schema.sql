-- The embedded store. Statements are separated by a semicolon at the end of a line.
-- meta: the store's identity. heads: never deleted, so that numbers never start again.
-- comments: the log. A comment's row is the public JSON as it was first encoded, or a tombstone.
-- keys: who wrote what under which key. removed: see version-2.sql.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE heads (
    video_id TEXT PRIMARY KEY,
    head     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE comments (
    video_id TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    raw      BLOB NOT NULL,
    PRIMARY KEY (video_id, seq)
) WITHOUT ROWID;

CREATE TABLE keys (
    video_id TEXT NOT NULL,
    key      TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    digest   BLOB NOT NULL,
    used_at  REAL NOT NULL,
    PRIMARY KEY (video_id, key)
) WITHOUT ROWID;

CREATE INDEX keys_by_age ON keys (used_at);
