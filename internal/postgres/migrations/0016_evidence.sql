-- What explains an alarm beyond its values and sentences.

-- +goose Up
alter table alarms
  add column evidence jsonb not null default '{}', -- {"computed", "time_to_limit", "held_by"}: what the raise was decided by
  add column steps    jsonb not null default '[]'; -- [{"at", "from", "to", "why"}], the latest changes of its severity

-- +goose Down
alter table alarms drop column evidence, drop column steps;
