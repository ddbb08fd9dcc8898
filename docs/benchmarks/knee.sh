#!/usr/bin/env bash
# Measures the embedded broker at rising rates, so that the rate from which
# latencies climb is seen. Prints what benchstat reads; compare two binaries
# with TELLTALE set for one of two series, run in turn.
#
# usage: knee.sh [ROUNDS] > new.txt; benchstat new.txt
# environment: RATES="2000 5000 10000 20000", SECONDS_EACH=5, WARM_UP=3, DEVICES=2000
set -euo pipefail
cd "$(dirname "$0")"
export WARM_UP=${WARM_UP:-3}
seconds=${SECONDS_EACH:-5} devices=${DEVICES:-2000}
. ./extract.sh
benchstat_header

for _ in $(seq "${1:-10}"); do
	for rate in ${RATES:-2000 5000 10000 20000}; do
		out=$(./throughput.sh "$rate" 1000 "$devices" "$seconds" 8 2>&1) || { echo "$out" >&2; exit 1; }
		echo "BenchmarkKnee/rate=$rate 1" \
			"$(count 'database: [0-9]+' 2) database-us/msg" \
			"$(count 'gateway: [0-9]+' 2) gateway-us/msg" \
			"$(count 'flushes: [0-9]+' 2) msg/flush" \
			"$(count 'resident memory: [0-9]+' 3) MiB" \
			"$(in_ms 'PUBACK p50') puback-p50-ms" "$(in_ms 'PUBACK p50 [^ ]+ p99') puback-p99-ms" \
			"$(in_ms 'sent late p50') late-p50-ms" "$(in_ms 'sent late p50 [^ ]+ p99') late-p99-ms" \
			"$(count 'ticket: p50 [0-9]+' 3) ticket-p50-ms" "$(count 'p99 [0-9]+ ms, [0-9]+ tickets' 2) ticket-p99-ms"
	done
done
