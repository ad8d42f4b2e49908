-- +goose Up
ALTER TABLE labels ADD COLUMN of_what TEXT NOT NULL DEFAULT '';
CREATE TABLE label_patches (
    label TEXT NOT NULL,
    patch TEXT NOT NULL,
    PRIMARY KEY (label, patch)
);
ALTER TABLE rules ADD COLUMN patches TEXT NOT NULL DEFAULT '';

-- Who carried a label when something was decided for it: the machines' IDs, under their hash. Equal memberships are kept once.
CREATE TABLE scopes (
    hash    TEXT PRIMARY KEY,
    members BYTEA NOT NULL
);
ALTER TABLE decisions ADD COLUMN via TEXT NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN scope TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE decisions DROP COLUMN scope;
ALTER TABLE decisions DROP COLUMN via;
DROP TABLE scopes;
ALTER TABLE rules DROP COLUMN patches;
DROP TABLE label_patches;
ALTER TABLE labels DROP COLUMN of_what;
