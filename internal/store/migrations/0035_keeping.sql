-- +goose Up
-- Facts that nothing names any more, and since when that is known. The facts themselves are not touched: their rows are large.
CREATE TABLE idle_facts (
    hash  TEXT PRIMARY KEY,
    since BIGINT NOT NULL
);
CREATE INDEX idle_facts_since ON idle_facts (since);

-- What was counted and let go when the appliance last looked after a kind of document.
CREATE TABLE keepings (
    what TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

-- +goose Down
DROP TABLE keepings;
DROP TABLE idle_facts;
