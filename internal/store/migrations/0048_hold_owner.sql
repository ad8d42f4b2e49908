-- +goose Up
-- Whom to ask about a hold; empty: whoever decided.
ALTER TABLE decisions ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE decisions DROP COLUMN owner;
