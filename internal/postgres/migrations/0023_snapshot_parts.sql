-- A snapshot in parts: a value has an end at a gigabyte, and is in memory as a
-- whole several times on its way.

-- +goose Up
create table rule_snapshot_parts (
  partition integer not null references rule_snapshots on delete cascade,
  number    integer not null, -- from 0, in the order of the state
  state     bytea not null,
  primary key (partition, number)
);
-- Compressing would take longer than writing.
alter table rule_snapshot_parts alter column state set storage external;

insert into rule_snapshot_parts (partition, number, state) select partition, 0, state from rule_snapshots;
alter table rule_snapshots drop column state;

-- +goose Down
alter table rule_snapshots add column state bytea;
update rule_snapshots s
set state = coalesce((select string_agg(state, '' order by number) from rule_snapshot_parts p where p.partition = s.partition), '');
alter table rule_snapshots alter column state set not null;
drop table rule_snapshot_parts;
