-- Alarms that would have been raised, and what held them back.

-- +goose Up
create table held_alarms (
  id            text primary key,      -- as the engine has it; no alarm has the same
  rule_id       text not null,
  rule_version  integer not null,
  subject_type  text not null,
  subject_id    text not null,
  mode          text not null check (mode in ('live', 'shadow')),
  severity      text not null check (severity in ('info', 'minor', 'major', 'critical')),
  pending_since timestamptz not null,  -- event time of the first breaching reading
  held_since    timestamptz not null,  -- event time at which it would have been raised
  ended_at      timestamptz,           -- event time; null: it is held back still
  alarm_id      text,                  -- the alarm that it was raised as in the end; null: none
  why           text not null,         -- it is held back no longer; '': it is
  occurrences   bigint not null,
  "values"      jsonb not null,        -- {"temperature": 9.4}
  faults        text[] not null,
  explanation   text[] not null,
  evidence      jsonb not null,        -- {"computed", "time_to_limit", "held_by": [{"by", "why", "from"}]}
  trace         text not null,
  revision      integer not null,      -- how often late readings have changed it
  known_at      timestamptz not null,  -- our clock
  check (held_since >= pending_since),
  check (ended_at >= held_since),
  check (alarm_id is null or ended_at is not null)
);
create index held_alarms_of_rule on held_alarms (rule_id, held_since desc, id desc);
create index held_alarms_of_subject on held_alarms (subject_id, held_since desc, id desc);
create index held_alarms_latest on held_alarms (held_since desc, id desc);
create index held_alarms_standing on held_alarms (id) where ended_at is null;
create index held_alarms_ended on held_alarms (ended_at);

-- +goose Down
drop table held_alarms;
