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

-- +goose Down
DROP TABLE moves;
