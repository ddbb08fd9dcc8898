-- What Sparkplug nodes and devices last said of themselves, so that a restart
-- need not ask them again.

-- +goose Up
create table sparkplug_births (
  topic       text primary key,  -- of the NBIRTH or DBIRTH
  payload     bytea not null,    -- as it came
  received_at timestamptz not null
);

-- +goose Down
drop table sparkplug_births;
