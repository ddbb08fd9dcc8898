-- The alarms of one rule, the latest first: its page, and its noise by week.

-- +goose Up
create index alarms_of_rule on alarms (rule_id, raised_at desc);

-- +goose Down
drop index alarms_of_rule;
