#!/usr/bin/env bash
# Runs throughput.sh ten times for each of two loads, in turn, and prints the
# results in the form that benchstat reads.
#
# usage: ten-runs.sh > new.txt; benchstat new.txt
set -euo pipefail
cd "$(dirname "$0")"
echo "goos: linux"
echo "goarch: amd64"
echo "pkg: telltale/docs/benchmarks"
# in_ms NAME: the duration after NAME, in milliseconds.
in_ms() {
	grep -oE "$1 [0-9.]+(ms|µs|s)" <<<"$out" | head -1 | awk '{v = $NF; n = v + 0}
		v ~ /ms$/ {print n; next} v ~ /µs$/ {print n / 1000; next} {print 1000 * n}'
}
# count PATTERN FIELD: a field of the first match.
count() { grep -oE "$1" <<<"$out" | head -1 | awk -v f="$2" '{print $f}'; }

one() { # one NAME RATE
	out=$(./throughput.sh "$2" 1000 10000 10 2>&1)
	echo "Benchmark$1 1" \
		"$(count '[0-9]+ messages/s' 1) msg/s" \
		"$(in_ms 'PUBACK p50') puback-p50-ms" "$(in_ms 'p99') puback-p99-ms" \
		"$(count 'ticket: p50 [0-9]+' 3) ticket-p50-ms" "$(count 'p99 [0-9]+ ms, [0-9]+ tickets' 2) ticket-p99-ms" \
		"$(count '[0-9]+ ms of CPU' 1) cpu-ms/s" "$(count '[0-9]+ MiB' 1) MiB" \
		"$(count 'rules -?[0-9]+' 2) rules-behind" "$(count 'history -?[0-9]+' 2) history-behind"
}

for _ in $(seq 10); do
	one FullSpeed 0
	one HalfSpeed 10000
done
