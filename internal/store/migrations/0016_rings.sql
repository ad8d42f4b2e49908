-- +goose Up
CREATE TABLE rings (
    name       TEXT PRIMARY KEY,
    position   BIGINT NOT NULL,
    body       TEXT NOT NULL
);

-- How far each patch is in each ring. A halted row keeps the patch from everybody.
CREATE TABLE ring_progress (
    patch  TEXT NOT NULL,
    ring   TEXT NOT NULL,
    halted BOOLEAN NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (patch, ring)
);

-- The ring that an attempt was handed out in, and what it says about its patch.
ALTER TABLE attempts ADD COLUMN ring TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN proof TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN proof_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN proof_text TEXT NOT NULL DEFAULT '';
CREATE INDEX attempts_ring ON attempts (ring, patch, proof) WHERE ring <> '';

-- +goose Down
DROP INDEX attempts_ring;
ALTER TABLE attempts DROP COLUMN proof_text;
ALTER TABLE attempts DROP COLUMN proof_at;
ALTER TABLE attempts DROP COLUMN proof;
ALTER TABLE attempts DROP COLUMN ring;
DROP TABLE ring_progress;
DROP TABLE rings;
