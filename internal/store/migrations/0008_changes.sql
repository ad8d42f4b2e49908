-- +goose Up
-- When a machine's row, or its newest snapshot, last changed: what every appliance's index in memory is kept up by.
ALTER TABLE machines ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX machines_changed ON machines (changed);

-- +goose Down
DROP INDEX machines_changed;
ALTER TABLE machines DROP COLUMN changed;
