-- Whose a refused message is and each time it came, so that it can be replayed
-- in order; what each sender takes of the quarantine, which bounds it and lists
-- who is not declared; replays that go on after a restart; since when devices
-- are offline, and how far their clocks are off.

-- +goose Up
alter table quarantine
  add column source      text not null default '',
  add column devices     text[] not null default '{}', -- that the reason is about
  add column sender      text not null default '',     -- the first of them, else the topic: whose share of the quarantine this is
  add column observed_at timestamptz,                  -- by the first device's clock; null: it said no time
  add column retained    boolean not null default false,
  add column tried_at    timestamptz,                  -- replayed last, with or without success
  add column outcome     text not null default '',     -- of that: 'accepted', or the reason it was refused for again
  drop column replay_requested_at,
  add check (reason in ('malformed', 'unknown_device', 'unknown_topic', 'impossible_time', 'impossible_value',
                        'too_large', 'unborn', 'rate_limited', 'script_failed', 'history_refused'));
create index on quarantine using gin (devices);
create index on quarantine (reason, sender);
create index quarantine_newest on quarantine (last_at desc, id desc);
create index quarantine_oldest on quarantine ((replayed_at is null), last_at); -- the order in which they have to go

-- Every time a message came: a reading without a time of its own was made then.
create table quarantine_arrivals (
  message_id  text not null references quarantine on delete cascade,
  received_at timestamptz not null,
  replayed_at timestamptz, -- null: not accepted yet
  primary key (message_id, received_at)
);
create index quarantine_waiting on quarantine_arrivals (received_at, message_id) where replayed_at is null;

create table quarantine_senders (
  reason   text not null,
  sender   text not null,            -- device, else topic
  device   boolean not null,         -- the sender is a device
  first_at timestamptz not null,
  last_at  timestamptz not null,
  arrivals bigint not null,          -- that came, ever
  kept     bigint not null check (kept >= 0),  -- of those that are its share, how many are still there
  bytes    bigint not null check (bytes >= 0), -- of their payloads
  let_go   bigint not null default 0, -- arrivals that were not replayed and had to go: too old or too many
  tried_at timestamptz,              -- when a replay was requested because the device was declared
  primary key (reason, sender)
);
create index on quarantine_senders (reason, last_at desc, sender);
create index on quarantine_senders (kept) where kept > 10000; -- few
create index on quarantine_senders (let_go) where kept = 0;

update quarantine set sender = topic, tried_at = replayed_at, outcome = case when replayed_at is null then '' else 'accepted' end;
insert into quarantine_arrivals select id, received_at, replayed_at from quarantine;
insert into quarantine_senders (reason, sender, device, first_at, last_at, arrivals, kept, bytes)
select reason, topic, false, min(received_at), max(last_at), sum(count), count(*), sum(octet_length(payload))
from quarantine group by reason, topic;

create table replays (
  number       bigint generated always as identity primary key,
  requested_by text not null,
  requested_at timestamptz not null,
  reason       text not null default '', -- what to replay; '' and none: any
  devices      text[] not null default '{}',
  topic        text not null default '', -- regular expression
  ids          text[] not null default '{}',
  selected     bigint not null,          -- arrivals when it was requested
  cursor_at    timestamptz not null default '-infinity', -- arrivals up to here are done
  cursor_id    text not null default '',
  accepted     bigint not null default 0,
  refused      bigint not null default 0, -- again
  failure      text not null default '', -- why the last round did not succeed; it is tried again
  finished_at  timestamptz
);
create index replays_open on replays (number) where finished_at is null;

alter table device_presence
  add column announced_at  timestamptz,       -- receipt of the status that counts; null: none
  add column clock_at      timestamptz,       -- receipt of the last report that said its time; the others null until then
  add column clock_since   timestamptz,       -- of the first
  add column clock_count   bigint,
  add column clock_window  timestamptz,       -- start of the present window
  add column clock_low     double precision,  -- smallest receipt - device's clock in it, seconds
  add column clock_before  double precision,  -- smallest in the window before
  add column clock_applied double precision not null default 0; -- what the last report was corrected by
update device_presence set announced_at = last_seen where announced <> 'unknown';

-- Since when devices are listened to without a break, and up to when all they
-- said is stored. No row: nobody told, and the clock on the wall counts.
create table listening (
  one        boolean primary key default true check (one),
  since      timestamptz not null,
  until      timestamptz not null
);

-- +goose Down
drop table listening;
alter table device_presence drop column announced_at, drop column clock_at, drop column clock_since, drop column clock_count,
  drop column clock_window, drop column clock_low, drop column clock_before, drop column clock_applied;
drop table replays, quarantine_senders, quarantine_arrivals;
drop index quarantine_newest, quarantine_oldest;
alter table quarantine drop column source, drop column devices, drop column sender, drop column observed_at,
  drop column retained, drop column tried_at, drop column outcome, add column replay_requested_at timestamptz,
  drop constraint quarantine_reason_check;
create index quarantine_requested on quarantine (received_at, id) where replay_requested_at is not null;
