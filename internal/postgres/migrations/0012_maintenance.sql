-- Planned work, declared: during it no alarms are raised on what it covers.

-- +goose Up
create table maintenance (
  id         text primary key,
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

-- +goose Down
drop table maintenance;
