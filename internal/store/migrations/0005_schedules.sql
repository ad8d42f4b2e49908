-- +goose Up
CREATE TABLE schedules (
    name       TEXT PRIMARY KEY,
    label      TEXT NOT NULL,
    rule       TEXT NOT NULL,
    note       TEXT NOT NULL,
    paused     BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

-- +goose Down
DROP TABLE schedules;
