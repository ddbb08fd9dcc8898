#!/usr/bin/env bash
# Measures a gateway with everything on, history and tickets included, under
# load from a second process. Prints what the load generator saw, the rate at
# which messages were safe in the log, how far rules and history were behind
# when it ended, and what the gateway used.
#
# usage: throughput.sh [RATE] [CONNECTIONS] [DEVICES] [SECONDS] [WINDOW]
#        RATE 0 is as fast as messages are acknowledged
# environment: DOOR=embedded (default), mosquitto, tuned for throughput, or bare:
#              Mosquitto without a gateway
#              RULES=10, how many threshold rules watch the temperature
#              WARM_UP=0, seconds under the same load before latencies are measured
#              TELLTALE=bin/telltale, the gateway; the load is always from bin/telltale
set -euo pipefail
rate=${1:-0} connections=${2:-1000} devices=${3:-10000} seconds=${4:-30} window=${5:-1}
door=${DOOR:-embedded} rules=${RULES:-10} warm_up=${WARM_UP:-0} telltale=${TELLTALE:-bin/telltale}
cd "$(dirname "$0")/../.."
data=$(mktemp -d)
started=()
trap 'for p in "${started[@]}"; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done; rm -rf "$data"' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
broker=127.0.0.1:$(free_port)
export TELLTALE_HTTP_LISTEN=127.0.0.1:$(free_port) TELLTALE_LOG_LEVEL=warn

if [[ $door == embedded ]]; then
	export TELLTALE_MQTT_LISTEN=$broker
else
	./docs/benchmarks/mosquitto.sh "${broker#*:}" "$data" &
	started+=($!)
	export TELLTALE_MQTT_BROKER=mqtt://$broker
fi

# Mosquitto by itself, with a subscriber that keeps nothing: what the machine
# gives at most.
if [[ $door == bare ]]; then
	until mosquitto_pub -p "${broker#*:}" -t probe -m x 2>/dev/null; do sleep 0.1; done
	mosquitto_sub -p "${broker#*:}" -q 1 -c -i bare -t 'telltale/#' >"$data/received" &
	started=($! "${started[@]}")
	began=$(date +%s%N)
	out=$(bin/telltale load --broker "$broker" --connections "$connections" --devices "$devices" \
		--rate "$rate" --window "$window" --duration "${seconds}s" | tail -1)
	echo "$out"
	acknowledged=$(awk '{print $3}' <<<"$out")
	until (($(wc -l <"$data/received") >= acknowledged)); do sleep 0.1; done
	echo "received: $((acknowledged * 1000000000 / ($(date +%s%N) - began))) messages/s"
	exit
fi

sql() { psql -qAt "host=$data/gateway/postgres/data user=telltale dbname=telltale" -c "$1"; }
serve() {
	"$telltale" serve --data "$data/gateway" >"$data/log" 2>&1 &
	gateway=$!
	started=("$gateway" "${started[@]}")
	until curl -sf http://$TELLTALE_HTTP_LISTEN/readyz >/dev/null; do sleep 0.2; done
}

# The database notes when each transaction was committed; that takes a restart.
serve
sql 'alter system set track_commit_timestamp = on'
kill $gateway && wait $gateway
started=("${started[@]:1}")
serve

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
YAML
	for ((i = 1; i < rules; i++)); do
		printf -- '---\n{kind: Rule, id: above-%d, title: Above a limit, when: temperature > %d.%d}\n' "$i" $((12 + i / 10)) $((i % 10))
	done
	for ((i = 0; i < devices; i++)); do
		printf -- '---\n{kind: Device, id: load-%05d, model: bench, owners: [{customer: C-1, from: 2020-01-01T00:00:00Z}]}\n' "$i"
	done
} >"$data/bench.yaml"
"$telltale" apply -f "$data/bench.yaml" --data "$data/gateway" | tail -1

metric() { curl -s http://$TELLTALE_HTTP_LISTEN/metrics | awk -v m="$1" 'index($1, m) == 1 {s += $2} END {printf "%.0f\n", s}'; }
# cpu PID...: hundredths of a second that the processes have used.
cpu() { for p in "$@"; do cat "/proc/$p/stat" 2>/dev/null || true; done | awk '{s += $14 + $15} END {print s + 0}'; }
postmaster=$(head -1 "$data/gateway/postgres/data/postmaster.pid")
database() { cpu "$postmaster" $(pgrep -P "$postmaster"); }
flushes() { metric telltale_ingest_flush_seconds_count; }

bin/telltale load --broker "$broker" --connections "$connections" --devices "$devices" \
	--rate "$rate" --window "$window" --duration "${seconds}s" --breach-every 20 --rest 2s --warm-up "${warm_up}s" >"$data/load" &
load=$!
until [[ -s $data/load ]] || ! kill -0 $load 2>/dev/null; do sleep 0.02; done
began=$(($(date +%s%N) + 2000000000)) flushes=$(flushes) stored=$(database) used=$(cpu $gateway) # while it rests
wait $load
out=$(tail -1 "$data/load")
echo "$out"
acknowledged=$(awk '{print $3}' <<<"$out")
accepted=$(metric telltale_ingest_reports_total)
behind="behind at the end: rules $((accepted - $(metric telltale_rules_reports_total))) reports, history $((3 * accepted - $(metric telltale_history_readings_total))) readings"
until (($(metric telltale_ingest_reports_total) >= acknowledged)); do sleep 0.1; done
took=$((($(date +%s%N) - began) / 1000000))
used=$((($(cpu $gateway) - used) * 10000 / acknowledged))
echo "safe in the log: $((acknowledged * 1000 / took)) messages/s, gateway: $used us of CPU per message"
flushes=$(($(flushes) - flushes)) stored=$((($(database) - stored) * 10000 / acknowledged))
echo "flushes: $((acknowledged / flushes)) messages each, $((flushes * 1000 / took))/s; database: $stored us of CPU per message"
echo "$behind"
echo "resident memory: $(($(awk '/VmRSS/ {print $2}' /proc/$gateway/status) / 1024)) MiB"
until (($(metric telltale_history_readings_total) >= 3 * acknowledged)); do sleep 0.2; done
sql "
  select 'event to committed ticket: p50 ' || percentile_disc(0.5) within group (order by s) || ' ms, p99 '
         || percentile_disc(0.99) within group (order by s) || ' ms, ' || count(*) || ' tickets'
  from (select round(1000 * extract(epoch from pg_xact_commit_timestamp(l.xmin) - t.observed_at)) s
        from ticket_alarms l join tickets t on t.number = l.ticket_number where t.rule_id = 'warm-now') x"
