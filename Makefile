# Everything a person or a CI job types. `make help` lists it.

GO ?= go
BIN := bin/telltale
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 30s

.DEFAULT_GOAL := help
.PHONY: help build demo test test/fast faults check fuzz bench clean packages/demo packages/test tools/influxd

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z\/]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: packages/demo build ## run everything, with a simulated fleet; prints the console's address
	./$(BIN) demo $(ARGS)

# Vetted by check already.
test: packages/test tools/influxd check ## run every test on real servers, with the race detector where there is concurrency
	$(GO) test -race -shuffle=on -vet=off -p 3 -timeout 20m $$($(GO) list ./... | grep -v -e /internal/faults -e '^telltale/rules$$')
	$(GO) test -shuffle=on -vet=off ./rules # arithmetic without concurrency (internal/archtest), which the detector only slows down
	$(GO) test -vet=off -timeout 20m ./internal/faults # by itself: its gateways want the processors, and the detector starves them

test/fast: packages/test tools/influxd ## run every test without the race detector
	$(GO) test -timeout 10m ./...

faults: packages/test tools/influxd ## inflict every fault for as long as docs/faults.md says, and write the table there
	@mkdir -p bin && rm -f bin/faults.rows
	$(GO) test -count 1 -timeout 90m -v ./internal/faults -long -rows $(CURDIR)/bin/faults.rows
	@sort -o bin/faults.rows bin/faults.rows
	@awk -v rows=bin/faults.rows ' \
		/^<!-- rows/ { print; print ""; print header; print rule; while ((getline row < rows) > 0) print row; print ""; skip = 1 } \
		/^<!-- end of rows/ { skip = 0 } \
		!skip' \
		header='| fault | sent | acknowledged | stored | lost | doubled | what the sender saw |' \
		rule='|---|--:|--:|--:|--:|--:|---|' docs/faults.md > bin/faults.md && mv bin/faults.md docs/faults.md

build: ## build the one binary, bin/telltale
	$(GO) build -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/telltale

check: ## formatting, vet and staticcheck
	@unformatted=$$(gofmt -l cmd devices ingest internal rules simulator tickets); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

fuzz: ## fuzz every target for FUZZTIME (30s) each
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
		done; \
	done

bench: build ## run the benchmarks that docs/benchmarks reports
	$(GO) test -run '^$$' -bench . -benchmem -count 10 ./rules/... ./ingest/... ./internal/postgres/...
	docs/benchmarks/ten-runs.sh

clean: ## remove what was built
	rm -rf bin

packages/demo:
	@deploy/install-packages.sh postgresql

packages/test:
	@deploy/install-packages.sh postgresql mosquitto mosquitto-clients chromium build-essential

# Built once, beside Go's build cache: no distribution has it.
tools/influxd:
	@deploy/build-influxd.sh >/dev/null
