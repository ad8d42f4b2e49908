-- +goose Up
-- zone is the machine's own time zone as its inventory tells it. away_from and away_until are its newest absence of more than half an hour.
ALTER TABLE machines ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE machines ADD COLUMN away_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE machines ADD COLUMN away_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN detects BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE schedules ADD COLUMN catch_up BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE schedules DROP COLUMN catch_up;
ALTER TABLE schedules DROP COLUMN detects;
ALTER TABLE machines DROP COLUMN away_until;
ALTER TABLE machines DROP COLUMN away_from;
ALTER TABLE machines DROP COLUMN zone;
