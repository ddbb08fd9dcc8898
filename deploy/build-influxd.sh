#!/bin/sh
# Builds the InfluxDB that tests run against from the Go module proxy, unless
# it is there already, and prints the path of its program. It is kept beside
# Go's build cache, so it outlives `make clean` and needs a minute once.
set -eu

version=v1.8.10
folder="${TELLTALE_TOOLS:-$(go env GOCACHE)-tools}/influxd-$version"
mkdir -p "$folder"
if [ ! -x "$folder/influxd" ]; then
	# Built apart and moved, and one at a time: test processes may ask together.
	exec 9>"$folder/lock"
	flock 9
	if [ ! -x "$folder/influxd" ]; then
		echo "Building influxd $version ..." >&2
		GOBIN="$folder/new" GOFLAGS="" go install "github.com/influxdata/influxdb/cmd/influxd@$version" >&2
		mv "$folder/new/influxd" "$folder/influxd"
		rmdir "$folder/new"
	fi
fi
echo "$folder/influxd"
