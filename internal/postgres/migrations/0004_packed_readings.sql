-- Readings of one report share a row: a third of the work for history that a
-- row for each of them costs, since index and row headers weigh more than
-- values do. docs/decisions/0009-packed-readings.md

-- +goose Up
create table packed (
  device_num  integer not null,
  observed_at timestamptz not null,
  metrics     integer[] not null,          -- which metrics the row holds, each once
  numbers     double precision[] not null, -- their values, in the same order; null: labels has it
  labels      text[]                       -- in the same order; null as a whole when there are none
);
insert into packed
select device_num, observed_at, array_agg(metric_num order by metric_num), array_agg(value order by metric_num),
       case when count(label) > 0 then array_agg(label order by metric_num) end
from readings group by device_num, observed_at;

drop table readings;
create table readings (like packed) partition by range (observed_at);
create table readings_default partition of readings default;
insert into readings select * from packed; -- each day moves on when its partition is made
drop table packed;
create index on readings (device_num, observed_at);

-- For people and dashboards: a row for each reading, with names.
create view readings_named as
select d.id as device, m.name as metric, r.observed_at, v.number as value, v.label
from readings r
join devices d on d.num = r.device_num
cross join lateral unnest(r.metrics, r.numbers, r.labels) as v (metric_num, number, label)
join metrics m on m.num = v.metric_num;

-- +goose Down
drop view readings_named;
create table single as
select r.device_num, v.metric_num, r.observed_at, v.number as value, v.label
from readings r cross join lateral unnest(r.metrics, r.numbers, r.labels) as v (metric_num, number, label);
drop table readings;
create table readings (
  device_num  integer not null,
  metric_num  integer not null,
  observed_at timestamptz not null,
  value       double precision,
  label       text
) partition by range (observed_at);
create table readings_default partition of readings default;
insert into readings select * from single;
drop table single;
create index on readings (device_num, metric_num, observed_at);
