-- What version 2 adds to version 1. Comments that were removed at some time: `notice` is the number of
-- the entry that did it last, `raw` their public JSON for as long as they can be restored, `restored`
-- the number of the entry that shows them again, if they are not removed now.
CREATE TABLE removed (
    video_id   TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    notice     INTEGER NOT NULL,
    restored   INTEGER,
    raw        BLOB,
    removed_at REAL NOT NULL,
    PRIMARY KEY (video_id, seq)
) WITHOUT ROWID;

CREATE INDEX removed_by_age ON removed (removed_at) WHERE raw IS NOT NULL;
