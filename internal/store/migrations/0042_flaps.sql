-- +goose Up
-- Installs that a detect found missing afterwards are few among all that was ever tried, and questions about the whole fleet need those alone.
CREATE INDEX attempts_flaps ON attempts (patch) WHERE effect IN ('undone', 'not-effective');

-- +goose Down
DROP INDEX attempts_flaps;
