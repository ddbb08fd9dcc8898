-- +goose Up

-- What people declare. Every declaration keeps its source as written (spec),
-- so that plan can show a difference and nothing is lost in translation.

-- One row: the version of all declarations together. Gateways follow it.
create table declarations (
  only_row boolean primary key default true check (only_row),
  version  bigint not null default 0
);
insert into declarations default values;

create table models (
  id         text primary key,
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

create table customers (
  id         text primary key,
  name       text not null,
  tier       text not null,
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

create table devices (
  id         text primary key,
  num        integer generated always as identity unique, -- short key in readings
  model      text not null references models,
  serial     text not null default '',
  site       text not null default '',
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

create table device_owners (
  device_id   text not null references devices on delete cascade,
  customer_id text not null references customers,
  owned_from  timestamptz not null,
  owned_until timestamptz, -- null: still
  primary key (device_id, owned_from),
  check (owned_until is null or owned_until > owned_from)
);
create index on device_owners (customer_id);

create table storage_profiles (
  id         text primary key,
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

create table shipments (
  id          text primary key,
  profile     text not null references storage_profiles,
  carrier     text not null default '',
  departed_at timestamptz not null,
  arrived_at  timestamptz,
  spec        jsonb not null,
  updated_at  timestamptz not null default now(),
  -- the last assessment, for lists; the trace is what counts
  verdict     text not null default 'unknown' check (verdict in ('ok', 'unknown', 'review', 'reject')),
  assessment  jsonb,
  assessed_at timestamptz,
  grounds     text[] not null default '{}' -- used-up budgets that lots were held and a recall was proposed for
);

create table shipment_loggers (
  shipment_id   text not null references shipments on delete cascade,
  device_id     text not null references devices,
  metric        text not null,
  watched_from  timestamptz not null,
  watched_until timestamptz, -- null: still
  primary key (shipment_id, device_id, watched_from)
);
create index on shipment_loggers (device_id);

create table shipment_lots (
  shipment_id text not null references shipments on delete cascade,
  gtin        text not null,
  lot         text not null,
  quantity    bigint not null check (quantity >= 0),
  unit        text not null,
  primary key (shipment_id, gtin, lot)
);
create index on shipment_lots (lot, gtin);

create table shipment_consignees (
  shipment_id text not null references shipments on delete cascade,
  customer_id text not null references customers,
  lot         text not null,
  quantity    bigint not null check (quantity >= 0),
  primary key (shipment_id, customer_id, lot)
);

-- The temperatures a shipment was exposed to: its evidence, kept apart from
-- the reading history so that history's retention never touches it.
create table trace_points (
  shipment_id text not null references shipments on delete cascade,
  device_id   text not null,
  observed_at timestamptz not null,
  celsius     double precision not null,
  received_at timestamptz not null,
  primary key (shipment_id, device_id, observed_at)
);

create table rules (
  id         text primary key,
  version    integer not null check (version >= 1),
  mode       text not null check (mode in ('live', 'shadow', 'off')),
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

-- Every version a rule ever had.
create table rule_versions (
  rule_id    text not null,
  version    integer not null,
  spec       jsonb not null,
  author     text not null,
  created_at timestamptz not null default now(),
  primary key (rule_id, version)
);

create table articles (
  id         text primary key,
  title      text not null,
  spec       jsonb not null,
  updated_at timestamptz not null default now()
);

-- Partitions of the log: who works on which, and how far the work is committed.

create table partition_leases (
  consumer   text not null, -- 'rules', 'history'
  partition  integer not null,
  node       text not null,
  epoch      bigint not null, -- counted up by every change of hands; fences every commit
  expires_at timestamptz not null,
  primary key (consumer, partition)
);

create table checkpoints (
  consumer  text not null,
  partition integer not null,
  seq       bigint not null, -- effects of all messages up to this one are committed
  epoch     bigint not null,
  updated_at timestamptz not null default now(),
  primary key (consumer, partition)
);

-- Gateways that run, and which version of the declarations each works by.
create table nodes (
  name    text primary key,
  version bigint not null,
  seen_at timestamptz not null default now()
);

-- State of the rule engine after message seq; recovery replays from here.
create table rule_snapshots (
  partition  integer primary key,
  seq        bigint not null,
  version    bigint not null, -- declarations.version it was taken under
  state      bytea not null,
  taken_at   timestamptz not null default now()
);

-- Reading history.

create table metrics (
  num  integer generated always as identity primary key,
  name text not null unique
);

create table readings (
  device_num  integer not null,
  metric_num  integer not null,
  observed_at timestamptz not null,
  value       double precision, -- null: label holds the value
  label       text
) partition by range (observed_at);

create table readings_default partition of readings default;
create index on readings (device_num, metric_num, observed_at);

create table device_presence (
  device_id    text primary key,
  last_seen    timestamptz not null, -- our clock
  observed_at  timestamptz not null, -- the device's clock in its last report
  announced    text not null default 'unknown' check (announced in ('unknown', 'online', 'offline')),
  "values"     jsonb not null default '{}', -- latest value of each metric: {"temperature": 4.2, "mode": "defrost"}
  value_times  jsonb not null default '{}', -- when each was observed, in Unix microseconds
  faults       text[] not null default '{}', -- present according to the last report that spoke of faults
  faults_at    timestamptz -- the device's clock in that report; null: none ever spoke of faults
) with (fillfactor = 50); -- rewritten all the time: room for updates within the page

-- Alarms. Active, acknowledged and shelved are separate facts.

create table alarms (
  id              text primary key,
  rule_id         text not null,
  rule_version    integer not null,
  subject_type    text not null,
  subject_id      text not null,
  mode            text not null check (mode in ('live', 'shadow')),
  severity        text not null check (severity in ('info', 'minor', 'major', 'critical')),
  pending_since   timestamptz not null,
  raised_at       timestamptz not null, -- event time
  cleared_at      timestamptz,          -- event time; null: the condition holds
  acknowledged_at timestamptz,
  acknowledged_by text,
  shelved_until   timestamptz,
  shelved_by      text,
  shelve_reason   text,
  latched         boolean not null default false, -- stays open until acknowledged
  occurrences     bigint not null check (occurrences >= 1),
  "values"        jsonb not null,
  faults          text[] not null default '{}',
  explanation     text[] not null,
  trace           text not null default '',
  raise_id        text not null, -- the engine's id of the latest raise; not id when a later one was taken in
  recorded_at     timestamptz not null default now(),
  check (cleared_at is null or cleared_at >= raised_at),
  check ((acknowledged_at is null) = (acknowledged_by is null))
);
-- Promise 4: one open alarm per rule and subject.
create unique index alarms_one_open on alarms (rule_id, subject_type, subject_id, mode)
  where cleared_at is null or (latched and acknowledged_at is null);
create index on alarms (subject_id, raised_at desc);
create index on alarms (raised_at desc, id desc);

-- Raises that an alarm took in because it was still open.
create table alarm_merges (
  raise_id text primary key, -- the id the engine gave the raise
  alarm_id text not null references alarms,
  before   bigint not null   -- the alarm's occurrences before it
);

-- Tickets.

create table tickets (
  number       bigint generated always as identity primary key,
  status       text not null check (status in ('new', 'open', 'pending', 'on_hold', 'solved', 'closed')),
  priority     text not null check (priority in ('low', 'normal', 'high', 'urgent')),
  subject      text not null,
  customer_id  text references customers, -- null: nobody owned the device at the fault
  contact_id   text,
  device_id    text,
  rule_id      text,
  dedup_key    text not null, -- what the ticket is about; one unsolved ticket per key and customer
  team         text not null default '',
  assignee     text not null default '',
  article_id   text not null default '',
  occurrences  bigint not null default 1,
  observed_at  timestamptz not null,
  opened_at    timestamptz not null,
  updated_at   timestamptz not null,
  solved_at    timestamptz,
  closed_at    timestamptz,
  external_refs jsonb not null default '{}',
  check ((status = 'closed') = (closed_at is not null)),
  check (status not in ('solved', 'closed') or solved_at is not null)
);
create unique index tickets_one_unsolved on tickets (dedup_key, coalesce(customer_id, '')) where status not in ('solved', 'closed');
create index on tickets (dedup_key, number desc);
create index on tickets (solved_at) where status = 'solved';
create index on tickets (status, number desc);
create index on tickets (customer_id, number desc);
create index on tickets (device_id, number desc);

create table ticket_alarms (
  ticket_number bigint not null references tickets,
  alarm_id      text not null references alarms,
  primary key (ticket_number, alarm_id)
);
create unique index on ticket_alarms (alarm_id); -- an alarm belongs to one ticket

create table ticket_timeline (
  id            bigint generated always as identity primary key,
  ticket_number bigint not null references tickets,
  at            timestamptz not null,
  actor         text not null,
  kind          text not null,
  body          text not null,
  public        boolean not null default false,
  trace         text not null default ''
);
create index on ticket_timeline (ticket_number, id);

-- Holds and recalls.

create table holds (
  number      bigint generated always as identity primary key,
  shipment_id text not null references shipments,
  gtin        text not null,
  lot         text not null,
  reason      text not null,
  placed_at   timestamptz not null,
  released_at timestamptz,
  released_by text,
  release_reason text not null default '',
  check ((released_at is null) = (released_by is null))
);
create unique index holds_one_in_force on holds (shipment_id, gtin, lot) where released_at is null;

create table recalls (
  number      bigint generated always as identity primary key,
  status      text not null check (status in ('proposed', 'approved', 'rejected', 'executing', 'closed')),
  class       text not null default '' check (class in ('', 'I', 'II', 'III')),
  reason      text not null,
  shipment_ids text[] not null,
  lots        jsonb not null default '[]', -- [{"gtin", "lot"}]
  explanation text[] not null default '{}',
  proposed_at timestamptz not null,
  updated_at  timestamptz not null,
  closed_at   timestamptz,
  dedup_key   text not null, -- what it is about: one undecided or running recall per key
  check ((status in ('closed', 'rejected')) = (closed_at is not null))
);
create unique index recalls_one_running on recalls (dedup_key) where status not in ('closed', 'rejected');

create table recall_items (
  id          bigint generated always as identity primary key,
  recall_number bigint not null references recalls,
  customer_id text not null references customers,
  shipment_id text not null references shipments,
  gtin        text not null,
  lot         text not null,
  quantity    bigint not null check (quantity >= 0),
  notice      text not null default 'pending' check (notice in ('pending', 'sent', 'delivered', 'failed')),
  answered_at timestamptz,
  returned    bigint not null default 0 check (returned >= 0),
  destroyed   bigint not null default 0 check (destroyed >= 0),
  used        bigint not null default 0 check (used >= 0),
  unique (recall_number, customer_id, shipment_id, gtin, lot),
  check (returned + destroyed + used <= quantity)
);

create table recall_signatures (
  recall_number bigint not null references recalls,
  person      text not null,
  meaning     text not null check (meaning in ('approved', 'rejected', 'closed')),
  comment     text not null default '',
  signed_at   timestamptz not null,
  primary key (recall_number, person, meaning)
);

-- Outbox: events and their way to each destination.

create table events (
  id           text primary key,
  position     bigint generated always as identity unique,
  type         text not null,
  subject      text not null,
  ordering_key text not null,
  at           timestamptz not null,
  data         jsonb not null
);

create table deliveries (
  id           bigint generated always as identity primary key,
  event_id     text not null references events,
  destination  text not null,
  ordering_key text not null,
  state        text not null default 'available'
               check (state in ('available', 'running', 'retryable', 'completed', 'discarded')),
  attempts     integer not null default 0,
  next_at      timestamptz not null default now(),
  lease_until  timestamptz,
  last_error   text not null default '',
  created_at   timestamptz not null default now(),
  completed_at timestamptz,
  unique (event_id, destination),
  check ((state = 'running') = (lease_until is not null)),
  check ((state = 'completed') = (completed_at is not null))
);
-- Small however many were delivered: the next to claim, and what blocks it.
create index deliveries_next on deliveries (destination, id)
  where state in ('available', 'running', 'retryable');
create index deliveries_waiting on deliveries (destination, ordering_key, id)
  where state in ('available', 'running', 'retryable');

-- Messages that were refused.

create table quarantine (
  id           text primary key, -- hash of reason, topic and payload
  reason       text not null,
  detail       text not null,
  topic        text not null,
  client_id    text not null default '',
  payload      bytea not null,
  received_at  timestamptz not null, -- the first time
  last_at      timestamptz not null,
  count        bigint not null default 1,
  replayed_at  timestamptz,
  replay_requested_at timestamptz -- a gateway shall take it again
);
create index on quarantine (reason, received_at desc);
create index quarantine_requested on quarantine (received_at, id) where replay_requested_at is not null;

-- Access.

create table users (
  login         text primary key,
  name          text not null default '',
  role          text not null check (role in ('admin', 'support', 'quality', 'viewer')),
  password_hash text not null, -- argon2id, PHC string
  created_at    timestamptz not null default now(),
  disabled_at   timestamptz
);

create table tokens (
  name       text primary key,
  role       text not null check (role in ('admin', 'support', 'quality', 'viewer')),
  hash       bytea not null unique, -- SHA-256 of the token
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table sessions (
  hash       bytea primary key, -- SHA-256 of the cookie
  login      text not null references users on delete cascade,
  csrf       text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index on sessions (expires_at);

create table login_links (
  hash       bytea primary key, -- SHA-256 of the one-time secret
  login      text not null references users on delete cascade,
  expires_at timestamptz not null
);

-- What a device logs in to the embedded broker with.
create table device_credentials (
  device_id     text primary key,
  password_hash bytea not null, -- SHA-256 of a generated password of 128 random bits or more
  created_at    timestamptz not null default now(),
  revoked_at    timestamptz
);

-- Answers already given to POST requests with an Idempotency-Key.
create table idempotency_keys (
  key        text primary key, -- token name and key
  request    bytea not null,   -- SHA-256 of method, path and body
  status     integer not null, -- 0: not answered yet
  content_type text not null default '',
  body       bytea not null,
  created_at timestamptz not null default now()
);
create index on idempotency_keys (created_at);

-- +goose Down
drop table idempotency_keys, device_credentials, login_links, sessions, tokens, users, quarantine, deliveries, events,
  recall_signatures, recall_items, recalls, holds, ticket_timeline, ticket_alarms, tickets, alarm_merges, alarms,
  nodes, device_presence, readings, metrics, rule_snapshots, checkpoints, partition_leases, articles,
  rule_versions, rules, trace_points, shipment_consignees, shipment_lots, shipment_loggers, shipments,
  storage_profiles, device_owners, devices, customers, models, declarations;
