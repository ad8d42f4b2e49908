-- +goose Up
CREATE TABLE rules (
    name       TEXT PRIMARY KEY,
    label      TEXT NOT NULL,
    verb       TEXT NOT NULL,
    expr       TEXT NOT NULL,
    soak_days  BIGINT NOT NULL,
    note       TEXT NOT NULL,
    paused     BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);

-- +goose Down
DROP TABLE rules;
