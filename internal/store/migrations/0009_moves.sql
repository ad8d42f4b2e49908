-- +goose Up
-- What a snapshot changed: one row a snapshot, never one for each patch. Only what left a machine's list is in transitions, where it can be
-- found by its patch.
CREATE TABLE moves (
    machine TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    os      TEXT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (machine, seq)
);

-- Verdicts that many machines of a host OS and revision are near to: what they have is told as what differs from one of these.
CREATE TABLE bases (
    id       BIGINT PRIMARY KEY,
    os       TEXT NOT NULL,
    revision TEXT NOT NULL,
    verdicts BYTEA NOT NULL
);
CREATE INDEX bases_revision ON bases (os, revision);

-- +goose Down
DROP TABLE bases;
DROP TABLE moves;
