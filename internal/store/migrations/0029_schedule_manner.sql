-- +goose Up
-- How a schedule's machines go about what it deploys: hooks, programs it waits for, services, as JSON; empty: nothing beside installing.
ALTER TABLE schedules ADD COLUMN manner TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE schedules DROP COLUMN manner;
