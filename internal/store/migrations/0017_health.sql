-- +goose Up
-- What machines answered to their probes last.
CREATE TABLE health (
    machine TEXT PRIMARY KEY REFERENCES machines (id),
    at      BIGINT NOT NULL,
    body    TEXT NOT NULL
);

-- Who may reboot now. A lease ends when the machine is back with another boot, or by itself.
CREATE TABLE reboot_leases (
    machine TEXT PRIMARY KEY REFERENCES machines (id),
    ring    TEXT NOT NULL,
    boot    TEXT NOT NULL,
    until   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE reboot_leases;
DROP TABLE health;
