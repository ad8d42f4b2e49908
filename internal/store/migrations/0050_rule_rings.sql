-- +goose Up
-- The ring that a patch must have passed before a rule decides about it; empty: none.
ALTER TABLE rules ADD COLUMN after_ring TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE rules DROP COLUMN after_ring;
