-- From a message in the log to everything that followed from it.

-- +goose Up
alter table events add column trace text not null default ''; -- position in the log of the message that caused it; '': a person did

create index events_trace on events (trace) where trace <> '';
create index alarms_trace on alarms (trace) where trace <> '';
create index ticket_timeline_trace on ticket_timeline (trace) where trace <> '';

-- +goose Down
drop index ticket_timeline_trace;
drop index alarms_trace;
drop index events_trace;
alter table events drop column trace;
