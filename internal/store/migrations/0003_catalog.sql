-- +goose Up
CREATE TABLE feeds (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE feed_states (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE feed_runs (
    feed    TEXT NOT NULL,
    started BIGINT NOT NULL,
    good    BOOLEAN NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (feed, started)
);

-- What a host OS has given out so far: ordinals and revision numbers are never given twice.
CREATE TABLE host_oses (
    os        TEXT PRIMARY KEY,
    ordinals  BIGINT NOT NULL,
    revisions BIGINT NOT NULL
);

CREATE TABLE revisions (
    os       TEXT NOT NULL REFERENCES host_oses (os),
    id       TEXT NOT NULL,
    number   BIGINT NOT NULL,
    meta     TEXT NOT NULL,
    envelope BYTEA NOT NULL,
    PRIMARY KEY (os, id)
);
CREATE UNIQUE INDEX revisions_number ON revisions (os, number);

-- Every patch that any list ever carried. known_* come from changelogs and stay above what a list says.
CREATE TABLE patches (
    os             TEXT NOT NULL REFERENCES host_oses (os),
    id             TEXT NOT NULL,
    ordinal        BIGINT NOT NULL,
    category       TEXT NOT NULL,
    body           TEXT NOT NULL,
    search         TEXT NOT NULL,
    released       BIGINT NOT NULL,
    first_revision TEXT NOT NULL,
    gone_at        BIGINT NOT NULL,
    known_cves     TEXT NOT NULL,
    known_severity TEXT NOT NULL,
    known_released BIGINT NOT NULL,
    PRIMARY KEY (os, id)
);
CREATE UNIQUE INDEX patches_ordinal ON patches (os, ordinal);
CREATE INDEX patches_id ON patches (id);
CREATE INDEX patches_released ON patches (os, released);

-- +goose Down
DROP TABLE patches;
DROP TABLE revisions;
DROP TABLE host_oses;
DROP TABLE feed_runs;
DROP TABLE feed_states;
DROP TABLE feeds;
