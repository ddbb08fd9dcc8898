-- What the rule engine of a partition was told of alarms in other partitions.

-- +goose Up
create table rule_inhibited (
  partition integer not null,
  seq       bigint not null, -- after this message of the partition's log
  places    jsonb not null,  -- [{"Rule", "Scope", "Group"}], where alarms of others hold alarms back from then on
  primary key (partition, seq)
);

-- +goose Down
drop table rule_inhibited;
