-- +goose Up
-- When the machine that holds an order may begin; 0 for orders of older versions and those that may begin at once.
ALTER TABLE orders ADD COLUMN begins_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE orders DROP COLUMN begins_at;
