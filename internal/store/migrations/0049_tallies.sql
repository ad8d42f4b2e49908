-- +goose Up
-- What was counted of a deployment's attempts, until one of them changes: a list of deployments counts those alone that changed since.
CREATE TABLE tallies (
    deployment    TEXT PRIMARY KEY,
    total         BIGINT NOT NULL,
    downloading   BIGINT NOT NULL,
    installing    BIGINT NOT NULL,
    done          BIGINT NOT NULL,
    waiting       BIGINT NOT NULL,
    failed        BIGINT NOT NULL,
    withdrawn     BIGINT NOT NULL,
    verified      BIGINT NOT NULL,
    not_effective BIGINT NOT NULL,
    unproven      BIGINT NOT NULL,
    reboot_owed   BIGINT NOT NULL,
    bytes         BIGINT NOT NULL,
    total_bytes   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE tallies;
