-- Decisions that late readings amend: both versions are kept.

-- +goose Up
alter table alarms add column withdrawn_at timestamptz; -- our clock; late readings showed that it would not have been raised
alter table alarms add column earlier jsonb not null default '[]'; -- [{"raise_id", "revision", "raised_at", ..., "replaced_at", "reason"}]
alter table alarms add check (withdrawn_at is null or cleared_at is not null);

drop index alarms_one_open;
create unique index alarms_one_open on alarms (rule_id, subject_type, subject_id, mode)
  where cleared_at is null or (latched and acknowledged_at is null and withdrawn_at is null);

-- +goose Down
update alarms set acknowledged_at = withdrawn_at, acknowledged_by = 'telltale'
  where withdrawn_at is not null and acknowledged_at is null; -- or they would stand again
drop index alarms_one_open;
create unique index alarms_one_open on alarms (rule_id, subject_type, subject_id, mode)
  where cleared_at is null or (latched and acknowledged_at is null);
alter table alarms drop column earlier;
alter table alarms drop column withdrawn_at;
