package console

import (
	"strings"
	"testing"

	"telltale/internal/postgres"
)

// deps wires the console to the rig's database and desks.
func (r *rig) deps() Deps {
	return Deps{
		Access: r.gate, Answers: r.db, Events: r.db, Traces: r.db,
		Tickets: r.db, Alarms: r.db, Desk: r.desk, Customers: r.db, Devices: r.db, History: r.db, Archive: postgres.NewHistory(r.db),
		Shipments: r.db, Recalls: r.db, RecallDesk: r.recalls,
		Declarations: r.db, RuleHistory: r.db, Quarantine: r.db, Replays: r.db, Replayer: r.replay, Importer: &imported{}, LoggerAlarms: r.db, HeldAlarms: r.db, Sources: newBench(r),
		Pages: r.db,
	}
}

func TestNewNamesEveryPartThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := New(Deps{}, Options{PublicURL: "telltale.example"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"Access", "Events", "Desk", "Replayer", "public URL"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %s: %v", word, err)
		}
	}
}
