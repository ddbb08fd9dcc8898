package tickets

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edge is one arrow of the drawing.
type edge struct {
	From Status
	Act  string
	To   Status
}

// TestTheDrawingIsTheLifeCycle walks every act in every status and compares
// with docs/ticket-life-cycle.md.
func TestTheDrawingIsTheLifeCycle(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/ticket-life-cycle.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[edge]bool{}
	arrow := regexp.MustCompile(`(?m)^ +([a-z_]+) --> ([a-z_]+) : ([a-z ]+)$`)
	for _, m := range arrow.FindAllStringSubmatch(string(text), -1) {
		drawn[edge{Status(m[1]), m[3], Status(m[2])}] = true
	}

	coded := map[edge]bool{}
	for _, from := range Statuses() {
		for _, a := range acts() {
			to, ok := next(from, a)
			if !ok {
				if to != from {
					t.Errorf("%s: refused act %s moves to %s", from, a, to)
				}
				continue
			}
			if from != Closed { // the end needs no arrows to itself
				coded[edge{from, a.String(), to}] = true
			}
			if from == Closed && to != Closed {
				t.Errorf("%s leaves closed for %s", a, to)
			}
			if to == New && from != New {
				t.Errorf("%s makes a %s ticket new", a, from)
			}
		}
	}
	if diff := cmp.Diff(drawn, coded); diff != "" {
		t.Errorf("drawing and code differ (-drawn +coded):\n%s", diff)
	}
}

func TestEveryStatusButNewIsReachedByAPersonsAct(t *testing.T) {
	t.Parallel()
	for _, wanted := range Statuses() {
		a, ok := actFor(wanted)
		if ok != (wanted != New) {
			t.Errorf("act for %s: %v", wanted, ok)
		}
		if !ok {
			continue
		}
		from := Open
		if wanted == Closed {
			from = Solved
		}
		if to, allowed := next(from, a); !allowed || to != wanted {
			t.Errorf("%s from %s leads to %s, %v", a, from, to, allowed)
		}
	}
}
