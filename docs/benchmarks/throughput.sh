#!/usr/bin/env bash
# Measures a gateway with everything embedded, history on and ten rules, under
# load from a second process. Prints what the load generator saw, how far rules
# and history were behind when it ended, and the gateway's memory.
#
# usage: throughput.sh [RATE] [CONNECTIONS] [DEVICES] [SECONDS] [WINDOW]
#        RATE 0 is as fast as messages are acknowledged
set -euo pipefail
rate=${1:-0} connections=${2:-1000} devices=${3:-10000} seconds=${4:-30} window=${5:-1}
cd "$(dirname "$0")/../.."
data=$(mktemp -d)
trap 'kill "$gateway" 2>/dev/null; wait "$gateway" 2>/dev/null; rm -rf "$data"' EXIT
export TELLTALE_HTTP_LISTEN=127.0.0.1:18080 TELLTALE_MQTT_LISTEN=127.0.0.1:11883 TELLTALE_LOG_LEVEL=warn

bin/telltale serve --data "$data/gateway" >"$data/log" 2>&1 &
gateway=$!
until curl -sf http://$TELLTALE_HTTP_LISTEN/readyz >/dev/null; do sleep 0.2; done

{
	cat <<'YAML'
kind: Model
id: bench
metrics: {temperature: {unit: Cel, min: -60, max: 80}, door_open: {unit: bool}, compressor_w: {unit: W, min: 0, max: 2000}}
report_every: 1m
---
{kind: Customer, id: C-1, name: Bench, tier: standard, language: en, timezone: UTC, contacts: []}
---
{kind: Rule, id: warm-now, title: Too warm now, when: temperature > 11}
---
{kind: Rule, id: warm, title: Too warm, when: temperature > 8, for: 10m, clear_when: temperature < 7}
---
{kind: Rule, id: cold, title: Too cold, when: temperature < 0, for: 10m}
---
{kind: Rule, id: freezing, title: Freezing, when: temperature <= -5}
---
{kind: Rule, id: door, title: Door open, when: door_open, for: 5m}
---
{kind: Rule, id: door-warm, title: Door open and warm, when: door_open and temperature > 6, for: 2m}
---
{kind: Rule, id: power, title: Draws too much, when: compressor_w > 500, for: 5m}
---
{kind: Rule, id: idle, title: Warm with the compressor off, when: temperature > 7 and compressor_w < 5, for: 15m}
---
{kind: Rule, id: fault, title: Fault E21, when: 'fault("E21")'}
---
{kind: Rule, id: hot, title: Warm and working, when: temperature > 9 and compressor_w > 60, for: 20m}
YAML
	for ((i = 0; i < devices; i++)); do
		printf -- '---\n{kind: Device, id: load-%05d, model: bench, owners: [{customer: C-1, from: 2020-01-01T00:00:00Z}]}\n' "$i"
	done
} >"$data/bench.yaml"
bin/telltale apply -f "$data/bench.yaml" --data "$data/gateway" | tail -1

metric() { curl -s http://$TELLTALE_HTTP_LISTEN/metrics | awk -v m="$1" 'index($1, m) == 1 {s += $2} END {printf "%.0f\n", s}'; }
cpu() { awk '{print $14 + $15}' "/proc/$1/stat"; }

before=$(cpu $gateway)
bin/telltale load --broker $TELLTALE_MQTT_LISTEN --connections "$connections" --devices "$devices" \
	--rate "$rate" --window "$window" --duration "${seconds}s" --breach-every 100
echo "gateway process: $((($(cpu $gateway) - before) * 10 / seconds)) ms of CPU per second"
accepted=$(metric telltale_ingest_reports_total)
echo "behind at the end: rules $((accepted - $(metric telltale_rules_reports_total))) reports," \
	"history $((3 * accepted - $(metric telltale_history_readings_total))) readings"
echo "resident memory: $(($(awk '/VmRSS/ {print $2}' /proc/$gateway/status) / 1024)) MiB"
until (( $(metric telltale_history_readings_total) >= 3 * accepted )); do sleep 0.2; done
psql -At "host=$data/gateway/postgres/data user=telltale dbname=telltale" -c "
  select 'event to committed ticket: p50 ' || percentile_disc(0.5) within group (order by s) || ' ms, p99 '
         || percentile_disc(0.99) within group (order by s) || ' ms, ' || count(*) || ' tickets'
  from (select round(1000 * extract(epoch from t.opened_at - t.observed_at)) s from tickets t where rule_id = 'warm-now') x"
