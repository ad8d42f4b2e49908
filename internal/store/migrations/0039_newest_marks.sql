-- +goose Up
-- A detect marks its own narrow row as changed, not its machine's wide one: see decision 20. machines.snapshot_seq is the number of a detect that
-- is not in newest: of a machine that has not detected since a restore.
ALTER TABLE newest ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX newest_changed ON newest (changed);

-- +goose Down
UPDATE machines SET snapshot_seq = COALESCE((SELECT newest.seq FROM newest WHERE newest.machine = machines.number), snapshot_seq);
DROP INDEX newest_changed;
ALTER TABLE newest DROP COLUMN changed;
