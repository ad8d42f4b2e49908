-- +goose Up
-- When a schedule's machines may be restarted: a policy as JSON; empty: never.
ALTER TABLE schedules ADD COLUMN reboot TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE schedules DROP COLUMN reboot;
