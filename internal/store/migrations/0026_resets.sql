-- +goose Up
-- The newest moment from which failures of a patch on a machine count anew; the audit log has them all.
CREATE TABLE attempt_resets (
    machine TEXT NOT NULL REFERENCES machines (id),
    patch   TEXT NOT NULL,
    label   TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at      BIGINT NOT NULL,
    why     TEXT NOT NULL,
    PRIMARY KEY (machine, patch)
);

-- What an attempt was to install, by the beginnings of its files' hashes.
ALTER TABLE attempts ADD COLUMN files TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE attempts DROP COLUMN files;
DROP TABLE attempt_resets;
