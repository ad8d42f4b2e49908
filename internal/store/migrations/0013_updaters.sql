-- +goose Up
-- What people want of other patch services, and how each stands on each machine by its newest inventory.
CREATE TABLE updater_rulings (
    updater TEXT NOT NULL,
    label   TEXT NOT NULL,
    verb    TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at      BIGINT NOT NULL,
    why     TEXT NOT NULL,
    PRIMARY KEY (updater, label)
);

CREATE TABLE updater_states (
    machine  TEXT NOT NULL REFERENCES machines (id),
    name     TEXT NOT NULL,
    enabled  BOOLEAN NOT NULL,
    evidence TEXT NOT NULL,
    hand     TEXT NOT NULL,
    since    BIGINT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (machine, name)
);

-- +goose Down
DROP TABLE updater_states;
DROP TABLE updater_rulings;
