-- +goose Up
-- Patches that no list carries any more are looked for among themselves: the others are in memory.
CREATE INDEX patches_gone ON patches (os, id) WHERE gone_at <> 0;

-- +goose Down
DROP INDEX patches_gone;
