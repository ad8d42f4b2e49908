-- +goose Up
-- seq is the decision's audit entry: one order over everything that people decided.
CREATE TABLE decisions (
    id      TEXT PRIMARY KEY,
    seq     BIGINT NOT NULL,
    patch   TEXT NOT NULL,
    label   TEXT NOT NULL,
    verb    TEXT NOT NULL,
    until   BIGINT NOT NULL,
    by_name TEXT NOT NULL,
    at      BIGINT NOT NULL,
    why     TEXT NOT NULL,
    counts  BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX decisions_counting ON decisions (patch, label) WHERE counts;
CREATE INDEX decisions_patch ON decisions (patch, seq);

CREATE TABLE payloads (
    hash       TEXT PRIMARY KEY,
    state      TEXT NOT NULL,
    error      TEXT NOT NULL,
    tries      BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    next_try   BIGINT NOT NULL
);

-- Patches of two suites or two host OSes share files.
CREATE TABLE payload_uses (
    hash  TEXT NOT NULL REFERENCES payloads (hash),
    os    TEXT NOT NULL,
    patch TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (hash, os, patch)
);
CREATE INDEX payload_uses_patch ON payload_uses (patch);

CREATE TABLE deployments (
    id       TEXT PRIMARY KEY,
    seq      BIGINT NOT NULL,
    head     TEXT NOT NULL,
    plan     TEXT NOT NULL,
    state    TEXT NOT NULL,
    by_name  TEXT NOT NULL,
    at       BIGINT NOT NULL,
    ended_at BIGINT NOT NULL
);
CREATE INDEX deployments_seq ON deployments (seq);

CREATE TABLE attempts (
    id           TEXT PRIMARY KEY,
    deployment   TEXT NOT NULL REFERENCES deployments (id),
    machine      TEXT NOT NULL REFERENCES machines (id),
    patch        TEXT NOT NULL,
    decision     TEXT NOT NULL,
    number       BIGINT NOT NULL,
    state        TEXT NOT NULL,
    cause        TEXT NOT NULL,
    text         TEXT NOT NULL,
    log          TEXT NOT NULL,
    order_id     TEXT NOT NULL,
    bytes        BIGINT NOT NULL,
    total_bytes  BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    verified_seq BIGINT NOT NULL,
    effect       TEXT NOT NULL,
    reboot_owed  BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX attempts_number ON attempts (machine, patch, number);
-- Two approvals of one patch, or two deployments at once, never run twice on one machine.
CREATE UNIQUE INDEX attempts_open ON attempts (machine, patch) WHERE state IN ('waiting', 'downloading', 'installing');
CREATE INDEX attempts_deployment ON attempts (deployment);
CREATE INDEX attempts_patch ON attempts (patch);
CREATE INDEX attempts_order ON attempts (order_id);

CREATE TABLE orders (
    id         TEXT PRIMARY KEY,
    machine    TEXT NOT NULL REFERENCES machines (id),
    number     BIGINT NOT NULL,
    deployment TEXT NOT NULL REFERENCES deployments (id),
    envelope   BYTEA NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX orders_number ON orders (machine, number);

-- Every line of a machine's journal that was acknowledged.
CREATE TABLE results (
    machine TEXT NOT NULL REFERENCES machines (id),
    seq     BIGINT NOT NULL,
    attempt TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (machine, seq)
);

-- +goose Down
DROP TABLE results;
DROP TABLE orders;
DROP TABLE attempts;
DROP TABLE deployments;
DROP TABLE payload_uses;
DROP TABLE payloads;
DROP TABLE decisions;
