-- +goose Up
-- Decisions that wait for a second person, and what became of them. body is JSON of patch.Proposal without its answer.
CREATE TABLE proposals (
    id          TEXT PRIMARY KEY,
    seq         BIGINT NOT NULL,
    label       TEXT NOT NULL,
    by_name     TEXT NOT NULL,
    author      TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_at BIGINT NOT NULL,
    answer      TEXT NOT NULL
);
CREATE INDEX proposals_state ON proposals (state, seq);
ALTER TABLE decisions ADD COLUMN second TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE decisions DROP COLUMN second;
DROP TABLE proposals;
