-- What explains an alarm beyond its values and sentences, and how rules fare.

-- +goose Up
alter table alarms
  add column evidence jsonb not null default '{}', -- {"computed", "time_to_limit", "held_by"}: what the raise was decided by
  add column steps    jsonb not null default '[]'; -- [{"at", "from", "to", "why"}], the latest changes of its severity

-- Rules that are not well in a partition. One that is well has no row.
create table rule_health (
  rule_id      text not null,
  partition    integer not null,
  rule_version integer not null,
  state        text not null check (state in ('degraded', 'error')),
  reason       text not null,
  since        timestamptz not null,      -- in this state
  failed_at    timestamptz not null,      -- the last time; degraded: when it was found
  device_id    text not null,             -- of the last time; '': none
  failures     bigint not null default 0, -- since it came into this state
  primary key (rule_id, partition)
);

-- +goose Down
drop table rule_health;
alter table alarms drop column evidence, drop column steps;
