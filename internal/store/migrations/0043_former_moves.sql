-- +goose Up
-- What a detect changed is kept with the receipt of the one before it, which is written then anyway: see decision 21. moves is what was kept before,
-- and what was changed by detects that no former one is kept of.
ALTER TABLE former ADD COLUMN next_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE former ADD COLUMN next_os TEXT NOT NULL DEFAULT '';
ALTER TABLE former ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE former ADD COLUMN moves BYTEA;
CREATE INDEX former_moved ON former (moved_at) WHERE moves IS NOT NULL;

-- +goose Down
INSERT INTO moves (machine, seq, os, at, body) SELECT machines.id, former.next_seq, former.next_os, former.moved_at, former.moves FROM former
    JOIN machines ON machines.number = former.machine WHERE former.moves IS NOT NULL;
DROP INDEX former_moved;
ALTER TABLE former DROP COLUMN moves;
ALTER TABLE former DROP COLUMN moved_at;
ALTER TABLE former DROP COLUMN next_os;
ALTER TABLE former DROP COLUMN next_seq;
