-- +goose Up
-- The patches of which a changelog told more than a list: few, and every search asks for them.
CREATE INDEX patches_learned ON patches (os, id) WHERE known_cves <> '';

-- +goose Down
DROP INDEX patches_learned;
