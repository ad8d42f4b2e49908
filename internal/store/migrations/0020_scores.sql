-- +goose Up
-- Ten times the CVSS score, for sorting; 0: unknown.
ALTER TABLE patches ADD COLUMN cvss BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE patches DROP COLUMN cvss;
