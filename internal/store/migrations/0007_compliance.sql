-- +goose Up
-- One row a day and label: how its machines stood at the last look of that day.
CREATE TABLE compliance (
    day   TEXT NOT NULL,
    label TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (day, label)
);

-- +goose Down
DROP TABLE compliance;
