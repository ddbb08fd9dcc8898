-- What the rule engines of the partitions tell each other of their devices, so
-- that cohort_z() compares a device with those in other partitions as well.

-- +goose Up
create table rule_cohorts (
  partition integer primary key,
  shared    bytea not null,    -- as rules.Engine.ShareCohorts wrote it
  shared_at timestamptz not null default now()
);

-- +goose Down
drop table rule_cohorts;
