#!/usr/bin/env bash
# Runs throughput.sh in every set-up that docs/benchmarks reports, ten times
# around so that the set-ups are paired, and prints the results in the form
# that benchstat reads.
#
# usage: ten-runs.sh [ROUNDS] > new.txt; benchstat new.txt
# environment: SECONDS_EACH=10, DEVICES=10000, HALF_EMBEDDED and HALF_MOSQUITTO,
#              the rates of the runs at half load
set -euo pipefail
cd "$(dirname "$0")"
seconds=${SECONDS_EACH:-10} devices=${DEVICES:-10000}
. ./extract.sh
benchstat_header

one() { # one NAME RATE CONNECTIONS WINDOW; DOOR and RULES from the environment
	out=$(./throughput.sh "$2" "$3" "$devices" "$seconds" "$4" 2>&1) || { echo "$out" >&2; return 1; }
	echo "Benchmark$1 1" \
		"$(count 'log: [0-9]+ messages/s' 2) msg/s" "$(count '[0-9]+ us of CPU' 1) cpu-us/msg" \
		"$(in_ms 'PUBACK p50') puback-p50-ms" "$(in_ms 'p99') puback-p99-ms" \
		"$(count 'ticket: p50 [0-9]+' 3) ticket-p50-ms" "$(count 'p99 [0-9]+ ms, [0-9]+ tickets' 2) ticket-p99-ms" \
		"$(count '[0-9]+ MiB' 1) MiB" \
		"$(count 'rules -?[0-9]+' 2) rules-behind" "$(count 'history -?[0-9]+' 2) history-behind"
}

bare() { # Mosquitto without a gateway
	out=$(DOOR=bare ./throughput.sh 0 20 "$devices" "$seconds" 200 2>&1) || { echo "$out" >&2; return 1; }
	echo "BenchmarkMosquitto/bare 1 $(count 'received: [0-9]+' 2) msg/s $(in_ms 'PUBACK p50') puback-p50-ms $(in_ms 'p99') puback-p99-ms"
}

for _ in $(seq "${1:-10}"); do
	bare
	for RULES in 1 10 100; do
		export RULES
		DOOR=mosquitto one "Mosquitto/rules=$RULES" 0 20 200
		DOOR=embedded one "Embedded/rules=$RULES" 0 1000 8
	done
	export RULES=10
	DOOR=embedded one "Embedded/one-connection" 0 1 100
	DOOR=embedded one "Embedded/half-load" "${HALF_EMBEDDED:-22500}" 1000 8
	DOOR=mosquitto one "Mosquitto/half-load" "${HALF_MOSQUITTO:-6000}" 20 200
done
