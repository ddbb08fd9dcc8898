-- The life of alarms: severities that fall again, alarms that chatter, shelves
-- that end; and who set a ticket's priority.

-- +goose Up
alter table alarms
  add column severity_at    timestamptz,                    -- event time of the last change of severity; null: as it was raised
  add column chattering     boolean not null default false, -- came and went too often, and is held until it has been quiet
  add column shelved_at     timestamptz,                    -- null: never shelved, or before this column was there
  add column unshelved_at   timestamptz,                    -- null: still shelved, or never
  add column shelf_reminded boolean not null default false, -- the end of the shelf has been announced
  add check (unshelved_at is null or shelved_until is not null);

-- Shelves whose time is over have ended; nobody is told of that any more.
update alarms set unshelved_at = shelved_until where shelved_until is not null and (shelved_until <= now() or cleared_at is not null);

create index alarms_shelved on alarms (shelved_until) where shelved_until is not null and unshelved_at is null;

alter table tickets add column priority_by text not null default ''; -- who set the priority; '': the alarms did

-- +goose Down
alter table tickets drop column priority_by;
drop index alarms_shelved;
alter table alarms
  drop column severity_at, drop column chattering, drop column shelved_at, drop column unshelved_at, drop column shelf_reminded;
