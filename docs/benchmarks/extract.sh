# To be sourced: takes figures out of what throughput.sh has said, which is in
# $out, and begins a file that benchstat reads.

benchstat_header() {
	echo "goos: linux"
	echo "goarch: amd64"
	echo "pkg: telltale/docs/benchmarks"
}

# in_ms PATTERN: the duration that ends what matches, in milliseconds.
in_ms() {
	grep -oE "$1 [0-9.]+(ms|µs|s)" <<<"$out" | head -1 | awk '{v = $NF; n = v + 0}
		v ~ /ms$/ {print n; next} v ~ /µs$/ {print n / 1000; next} {print 1000 * n}'
}

# count PATTERN FIELD: a field of the first match.
count() { grep -oE "$1" <<<"$out" | head -1 | awk -v f="$2" '{print $f}'; }
