-- +goose Up
-- Where people are told of things. The secret is sealed with a key that is not in the database.
CREATE TABLE notify_channels (
    name   TEXT PRIMARY KEY,
    body   TEXT NOT NULL,
    secret BYTEA NOT NULL
);

-- What holds, or did last time that somebody looked; gone_at is 0 as long as it does.
CREATE TABLE notices (
    key     TEXT PRIMARY KEY,
    subject   TEXT NOT NULL,
    body    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    gone_at BIGINT NOT NULL
);
CREATE INDEX notices_open ON notices (subject) WHERE gone_at = 0;

CREATE TABLE notice_outbox (
    channel TEXT NOT NULL REFERENCES notify_channels (name) ON DELETE CASCADE,
    key     TEXT NOT NULL REFERENCES notices (key) ON DELETE CASCADE,
    since   BIGINT NOT NULL,
    PRIMARY KEY (channel, key)
);

CREATE TABLE deliveries (
    id         TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,
    subject      TEXT NOT NULL,
    state      TEXT NOT NULL,
    body       TEXT NOT NULL,
    tries      BIGINT NOT NULL,
    text       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX deliveries_waiting ON deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_newest ON deliveries (channel, subject, created_at);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE notice_outbox;
DROP TABLE notices;
DROP TABLE notify_channels;
