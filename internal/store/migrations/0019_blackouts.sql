-- +goose Up
CREATE TABLE blackouts (
    name       TEXT PRIMARY KEY,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    label      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    owner      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- +goose Down
DROP TABLE blackouts;
