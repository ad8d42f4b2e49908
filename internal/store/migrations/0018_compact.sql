-- +goose Up
-- Machines by a small number in what is stored once for each detect: an ID is longer than all the rest.
CREATE TABLE numbers (
    name  TEXT PRIMARY KEY,
    given BIGINT NOT NULL
);
CREATE TABLE numbering (
    id     TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO numbering (id, number) SELECT id, ROW_NUMBER() OVER (ORDER BY id) FROM machines;
ALTER TABLE machines ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
UPDATE machines SET number = (SELECT numbering.number FROM numbering WHERE numbering.id = machines.id);
INSERT INTO numbers (name, given) SELECT 'machine', COUNT(*) FROM numbering;
INSERT INTO numbers (name, given) VALUES ('word', 0);
DROP TABLE numbering;
CREATE UNIQUE INDEX machines_number ON machines (number);

-- What many receipts say alike.
CREATE TABLE words (
    id   INTEGER PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
);

-- The newest complete detect of each machine; its former ones are receipts only, and the last of a former host OS stays in snapshots.
CREATE TABLE newest (
    machine  INTEGER PRIMARY KEY,
    seq      BIGINT NOT NULL,
    receipt  BYTEA NOT NULL,
    verdicts BYTEA NOT NULL
);
CREATE TABLE former (
    machine BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    receipt BYTEA NOT NULL,
    PRIMARY KEY (machine, seq)
);
CREATE INDEX attempts_ended ON attempts (ended_at);

-- +goose Down
DROP INDEX attempts_ended;
DROP TABLE former;
DROP TABLE newest;
DROP TABLE words;
DROP INDEX machines_number;
ALTER TABLE machines DROP COLUMN number;
DROP TABLE numbers;
