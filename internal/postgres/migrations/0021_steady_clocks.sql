-- What tells a device's wrong clock from a backlog that it hands over.

-- +goose Up
alter table device_presence
  add column clock_anchor       double precision, -- least(clock_low, clock_before) when it last changed by more than the tolerance, seconds
  add column clock_agreed       bigint,           -- messages that agree with it
  add column clock_agreed_since timestamptz,      -- receipt of the first of them
  add column clock_steady       boolean not null default false, -- there are enough of them
  add column clock_behind       double precision; -- how far the clock is behind as far as that is known, seconds
-- What was measured before counts as the clock's own when it was by several
-- messages; where it is not, it is measured anew within hours.
update device_presence set
  clock_anchor = least(clock_low, clock_before), clock_agreed = clock_count, clock_agreed_since = clock_since,
  clock_steady = clock_count >= 3, clock_behind = case when clock_count >= 3 then least(clock_low, clock_before) else least(clock_low, clock_before, 0) end
where clock_at is not null;

-- +goose Down
alter table device_presence drop column clock_anchor, drop column clock_agreed, drop column clock_agreed_since,
  drop column clock_steady, drop column clock_behind;
