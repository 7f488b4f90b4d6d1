-- What version 2 adds to version 1. Removed comments: `notice` is the number of the entry that removed
-- them, `raw` their public JSON, for as long as they can be restored.
CREATE TABLE removed (
    video_id   TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    notice     INTEGER NOT NULL,
    raw        BLOB,
    removed_at REAL NOT NULL,
    PRIMARY KEY (video_id, seq)
) WITHOUT ROWID;

CREATE INDEX removed_by_age ON removed (removed_at) WHERE raw IS NOT NULL;
