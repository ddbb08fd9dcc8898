package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// law says which of our packages each package may import. "all" is for the
// wiring alone.
var law = map[string][]string{
	"devices":           {},
	"devices/shipments": {"devices"},

	"ingest":                 {"devices", "ingest/codec", "ingest/codec/sparkplug", "ingest/stream"},
	"ingest/codec":           {"devices", "ingest/codec/sparkplug"},
	"ingest/codec/script":    {},
	"ingest/codec/sparkplug": {"devices"},
	"ingest/loggerfile":      {"devices", "ingest/codec"},
	"ingest/stream":          {"devices"},
	"ingest/history":         {"devices"},

	"ingest/history/historytest": {"devices", "ingest/history"},
	"ingest/history/influx":      {"devices", "ingest/history"},
	"ingest/history/influxtest":  {"internal/gatewaytest"},

	"rules":           {"devices"},
	"rules/excursion": {"devices", "devices/shipments"},
	"rules/backtest":  {"devices", "rules"},
	"rules/script":    {"devices", "rules"},

	"tickets":         {"devices", "rules", "tickets/crm", "tickets/outbox"},
	"tickets/crm":     {},
	"tickets/outbox":  {},
	"tickets/recalls": {"devices", "devices/shipments", "rules", "rules/excursion", "tickets/crm", "tickets/outbox"},

	"simulator": {"devices"},

	"internal/config":              {},
	"internal/access":              {},
	"internal/idempotency":         {},
	"internal/load":                {},
	"internal/tracing":             {"rules", "tickets/outbox"},
	"internal/tracing/tracingtest": {},
	"internal/views":               domain,
	"internal/declare":             {"devices", "ingest/codec/script", "devices/shipments", "rules", "rules/script", "tickets", "tickets/crm"},
	"internal/partition": {
		"devices", "devices/shipments", "ingest", "ingest/stream", "rules", "tickets", "tickets/recalls",
	},
	"internal/postgres":        append([]string{"internal/access", "internal/declare", "internal/idempotency", "internal/views"}, domain...),
	"internal/postgres/pgtest": {"internal/postgres"},
	"internal/console":         append([]string{"rules/script", "internal/access", "internal/declare", "internal/idempotency", "internal/views"}, domain...),
	"internal/app":             {"all"},
	"internal/archtest":        {},
	"internal/gatewaytest":     {},
	"internal/faults":          {}, // tests only: they start the gateway as a process of its own and harm what it stands on
	"cmd/telltale": {
		"devices", "ingest", "ingest/codec", "ingest/codec/script", "ingest/loggerfile", "internal/app", "internal/config", "internal/declare", "internal/load", "internal/views",
		"rules", "rules/backtest", "rules/script", "simulator", "tickets",
	},
}

// domain lists the packages that the store and the console speak about.
var domain = []string{
	"devices", "devices/shipments", "ingest", "ingest/codec", "ingest/history", "ingest/loggerfile",
	"rules", "rules/backtest", "rules/excursion",
	"tickets", "tickets/crm", "tickets/outbox", "tickets/recalls",
}

// fences says which files may import a third party: everybody else reaches it
// through them. Test files may use what they test against.
var fences = map[string][]string{
	"github.com/mochi-mqtt/":              {"ingest/broker"},
	"github.com/eclipse/paho":             {"ingest/subscriber", "simulator/publisher"},
	"github.com/influxdata/":              {"ingest/history/influx"},
	"github.com/nats-io/":                 {"ingest/stream/"},
	"github.com/jackc/pgx":                {"internal/postgres/"},
	"github.com/pressly/goose":            {"internal/postgres/"},
	"github.com/danielgtaylor/huma":       {"internal/console/"},
	"github.com/alecthomas/kong":          {"cmd/telltale/"},
	"github.com/expr-lang/expr":           {"rules/"},
	"github.com/dop251/goja":              {"ingest/codec/script/"},
	"github.com/aymanbagabas/go-udiff":    {"internal/console/"},
	"github.com/fxamacker/cbor":           {"ingest/codec/senml"},
	"github.com/go-json-experiment":       {"ingest/codec/"},
	"google.golang.org/protobuf":          {"ingest/codec/sparkplug/", "internal/tracing/tracingtest/"},
	"go.opentelemetry.io/":                {"internal/tracing/"},
	"golang.org/x/crypto":                 {"internal/access/"},
	"github.com/prometheus/client_golang": nil, // anywhere
}

type goPackage struct {
	Dir, ImportPath string
	GoFiles         []string
	Imports         []string
}

func TestImportsFollowTheLaw(t *testing.T) {
	t.Parallel()
	for _, pkg := range listPackages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, "telltale/")
		allowed, known := law[name]
		if !known {
			t.Errorf("package %s is not in the law: add it, with a decision record", name)
			continue
		}
		for _, imported := range pkg.Imports {
			ours, ok := strings.CutPrefix(imported, "telltale/")
			if !ok || slices.Contains(allowed, "all") {
				continue
			}
			if !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which the law does not allow", name, ours)
			}
		}
	}
}

func TestThirdPartiesStayBehindTheirFences(t *testing.T) {
	t.Parallel()
	for _, pkg := range listPackages(t) {
		for _, file := range pkg.GoFiles {
			path := strings.TrimPrefix(pkg.ImportPath, "telltale/") + "/" + file
			for _, imported := range fileImports(t, filepath.Join(pkg.Dir, file)) {
				for fenced, places := range fences {
					if !strings.HasPrefix(imported, fenced) || places == nil {
						continue
					}
					inside := slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(path, p) })
					if !inside {
						t.Errorf("%s imports %s, which belongs to %v only", path, imported, places)
					}
				}
			}
		}
	}
}

func TestEveryPackageOfTheLawExists(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	for _, pkg := range listPackages(t) {
		exists[strings.TrimPrefix(pkg.ImportPath, "telltale/")] = true
	}
	for name := range law {
		if !exists[name] {
			t.Errorf("the law names %s, which does not exist", name)
		}
	}
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=Dir,ImportPath,GoFiles,Imports", "telltale/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg goPackage
		err := decoder.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		packages = append(packages, pkg)
	}
}
