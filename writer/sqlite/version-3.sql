-- What version 3 adds to version 2: the rules of videos, see writer/rules.py. In place of a video's
-- id, '' is every video.
-- rules: one row for each video that was ever moderated. sanctions: by author. slots: what an author
-- has one of in a while. filters: words that are not allowed.
CREATE TABLE rules (
    video_id TEXT PRIMARY KEY,
    body     BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE sanctions (
    video_id  TEXT NOT NULL,
    author_id TEXT NOT NULL,
    lifted    INTEGER NOT NULL,
    body      BLOB NOT NULL,
    PRIMARY KEY (video_id, author_id)
) WITHOUT ROWID;

CREATE TABLE slots (
    video_id TEXT NOT NULL,
    slot     TEXT NOT NULL,
    used_ms  INTEGER NOT NULL,
    PRIMARY KEY (video_id, slot)
) WITHOUT ROWID;

CREATE INDEX slots_by_age ON slots (used_ms);

CREATE TABLE filters (
    video_id TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    body     BLOB NOT NULL
) WITHOUT ROWID;

-- Entries that have the text of a comment too, beside those that `removed` names: pins.
CREATE TABLE repeated (
    video_id TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    entry    INTEGER NOT NULL,
    PRIMARY KEY (video_id, seq, entry)
) WITHOUT ROWID;

-- Comments that wait for a moderator. state: pending, approved, denied; seq: of the comment, once it
-- was approved and posted.
CREATE TABLE held (
    video_id TEXT NOT NULL,
    id       TEXT NOT NULL,
    held_ms  INTEGER NOT NULL,
    state    TEXT NOT NULL,
    by       TEXT,
    seq      INTEGER,
    body     BLOB NOT NULL,
    PRIMARY KEY (video_id, id)
) WITHOUT ROWID;

CREATE INDEX held_by_age ON held (held_ms);

-- Calls of moderators.
CREATE TABLE calls (
    video_id TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    nonce    INTEGER NOT NULL,
    body     BLOB NOT NULL,
    PRIMARY KEY (video_id, at_ms, nonce)
) WITHOUT ROWID;

-- Who has written where, in steps of 20,000 numbers: the first comment of an author in each of them
-- writes a row, the others do not. Quotes within texts are escaped, so the member's name can be
-- found by its bytes.
CREATE TABLE authored (
    author_id TEXT NOT NULL,
    video_id  TEXT NOT NULL,
    bucket    INTEGER NOT NULL,
    PRIMARY KEY (author_id, video_id, bucket)
) WITHOUT ROWID;

INSERT OR IGNORE INTO authored
SELECT json_extract(CAST(raw AS TEXT), '$.author_id'), video_id, (seq - 1) / 20000 FROM comments
WHERE instr(raw, CAST('"author_id":"' AS BLOB)) AND NOT instr(substr(raw, 1, 64), CAST('"type":"' AS BLOB));

INSERT OR IGNORE INTO authored
SELECT json_extract(CAST(raw AS TEXT), '$.author_id'), video_id, (seq - 1) / 20000 FROM removed
WHERE raw IS NOT NULL AND instr(raw, CAST('"author_id":"' AS BLOB));

-- Authors whose comments were destroyed.
CREATE TABLE erased (
    author_id TEXT PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    done      INTEGER NOT NULL
) WITHOUT ROWID;

-- Tokens of an author that were issued before a time do not count.
CREATE TABLE revoked (
    author_id  TEXT PRIMARY KEY,
    not_before INTEGER NOT NULL
) WITHOUT ROWID;
