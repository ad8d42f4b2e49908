-- +goose Up
-- What people keep of a page of the console: how it was narrowed and sorted, as the question in its address.
CREATE TABLE views (
    owner   TEXT NOT NULL,
    page    TEXT NOT NULL,
    name    TEXT NOT NULL,
    query   TEXT NOT NULL,
    shared  BOOLEAN NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (page, owner, name)
);

-- +goose Down
DROP TABLE views;
