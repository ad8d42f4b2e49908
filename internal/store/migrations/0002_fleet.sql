-- +goose Up
-- Machines and what they say about themselves. BYTEA is a blob in both engines: SQLite keeps blobs as they are under any type name.
CREATE TABLE machines (
    id               TEXT PRIMARY KEY,
    name             TEXT NOT NULL,
    state            TEXT NOT NULL,
    os               TEXT NOT NULL,
    enrolled_at      BIGINT NOT NULL,
    enrolled_by      TEXT NOT NULL,
    seen_at          BIGINT NOT NULL,
    address          TEXT NOT NULL,
    agent_version    TEXT NOT NULL,
    boot_id          TEXT NOT NULL,
    inventory        TEXT NOT NULL,
    facts            TEXT NOT NULL,
    reboot_owed      BOOLEAN NOT NULL,
    busy             TEXT NOT NULL,
    detect_failed    TEXT NOT NULL,
    detect_failed_at BIGINT NOT NULL,
    policy           TEXT NOT NULL,
    counter          BIGINT NOT NULL,
    snapshot_seq     BIGINT NOT NULL,
    results_ack      BIGINT NOT NULL,
    order_number     BIGINT NOT NULL,
    said_inventory   TEXT NOT NULL DEFAULT '', -- what the newest check-in announced; only that becomes inventory and facts
    said_facts       TEXT NOT NULL DEFAULT ''
);
CREATE INDEX machines_name ON machines (name);

CREATE TABLE facts (
    hash TEXT PRIMARY KEY,
    body BYTEA NOT NULL
);

CREATE TABLE inventories (
    hash TEXT PRIMARY KEY,
    body BYTEA NOT NULL
);

-- The newest complete snapshot of each machine and host OS: one vector, never a row for each patch.
CREATE TABLE snapshots (
    machine   TEXT NOT NULL REFERENCES machines (id),
    os        TEXT NOT NULL,
    seq       BIGINT NOT NULL,
    receipt   TEXT NOT NULL,
    verdicts  BYTEA NOT NULL,
    closed_at BIGINT NOT NULL,
    PRIMARY KEY (machine, os)
);
CREATE INDEX snapshots_present ON snapshots (os, machine) WHERE closed_at = 0;

CREATE TABLE receipts (
    machine TEXT NOT NULL REFERENCES machines (id),
    seq     BIGINT NOT NULL,
    receipt TEXT NOT NULL,
    PRIMARY KEY (machine, seq)
);

CREATE TABLE transitions (
    machine TEXT NOT NULL REFERENCES machines (id),
    seq     BIGINT NOT NULL,
    os      TEXT NOT NULL,
    patch   TEXT NOT NULL,
    was     BIGINT NOT NULL,
    became  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    cause   TEXT NOT NULL,
    note    TEXT NOT NULL,
    PRIMARY KEY (machine, seq, os, patch)
);
CREATE INDEX transitions_patch ON transitions (patch, at);
CREATE INDEX transitions_at ON transitions (at);

CREATE TABLE labels (
    name       TEXT PRIMARY KEY,
    note       TEXT NOT NULL,
    expr       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE label_members (
    label   TEXT NOT NULL REFERENCES labels (name),
    machine TEXT NOT NULL REFERENCES machines (id),
    PRIMARY KEY (label, machine)
);
CREATE INDEX label_members_machine ON label_members (machine);

-- +goose Down
DROP TABLE label_members;
DROP TABLE labels;
DROP TABLE transitions;
DROP TABLE receipts;
DROP TABLE snapshots;
DROP TABLE inventories;
DROP TABLE facts;
DROP TABLE machines;
