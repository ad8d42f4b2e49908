-- +goose Up
-- The exact steps of an attempt that takes its patch back, as JSON; empty for one that installs it.
ALTER TABLE attempts ADD COLUMN back TEXT NOT NULL DEFAULT '';
-- Who confirmed a deployment, where two persons were needed.
ALTER TABLE deployments ADD COLUMN second TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE deployments DROP COLUMN second;
ALTER TABLE attempts DROP COLUMN back;
