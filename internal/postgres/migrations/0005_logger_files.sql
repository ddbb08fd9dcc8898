-- Files of loggers without a connection: what they noted themselves, and parts
-- of files on their way from a command beside the gateway.

-- +goose Up
create table logger_alarms (
  device_id   text not null,
  file        bytea not null check (octet_length(file) = 32), -- SHA-256
  line        integer not null check (line >= 1),
  name        text not null,         -- of the file
  since       timestamptz not null,  -- the day, or what of it the report covers
  until       timestamptz not null check (until > since),
  kind        text not null check (kind in ('above', 'below', 'sensor_timeout')),
  celsius     double precision not null, -- the limit; 0 for a sensor's timeout
  allowed     interval not null,
  total       interval not null,     -- beyond the limit, on that day
  raised_at   timestamptz,           -- null: not that day
  content     text not null,         -- the line as it stands
  imported_at timestamptz not null,
  primary key (device_id, file, line)
);
create index on logger_alarms (device_id, since desc, line desc);

create table reading_imports (
  id           bigint generated always as identity primary key,
  part         json not null,
  requested_at timestamptz not null default clock_timestamp(),
  result       json, -- null: no gateway has taken it yet
  failure      text not null default ''
);
create index on reading_imports (id) where result is null and failure = '';

-- +goose Down
drop table reading_imports, logger_alarms;
