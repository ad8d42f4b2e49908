-- +goose Up
-- When the appliance was last restored from a backup, for machines that it knew then, and whether the first results from there may leave a gap:
-- what came between the backup and the restore is not known here.
ALTER TABLE machines ADD COLUMN restored_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE machines ADD COLUMN results_gap BOOLEAN NOT NULL DEFAULT FALSE;

-- The newest detects that a backup knew, until their machines detect again: nobody may take them for the truth.
CREATE TABLE unconfirmed (
    machine  INTEGER PRIMARY KEY,
    seq      BIGINT NOT NULL,
    receipt  BYTEA NOT NULL,
    verdicts BYTEA NOT NULL
);

-- +goose Down
DROP TABLE unconfirmed;
ALTER TABLE machines DROP COLUMN results_gap;
ALTER TABLE machines DROP COLUMN restored_at;
