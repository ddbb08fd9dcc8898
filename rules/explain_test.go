package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRulesThatNobodyReadsAreDecidedWithoutWords(t *testing.T) {
	t.Parallel()
	warm := Rule{
		ID: "warm", When: "temperature > 8", For: 2 * time.Minute, Chattering: Chattering{Times: 2, Within: time.Hour, Quiet: time.Minute},
		ReopenWithin: time.Hour, Escalate: []Escalation{{After: 3 * time.Minute, Severity: Major}, {When: "temperature > 12", Severity: Critical}},
	}
	read := warm
	read.ID = "read"
	held := Rule{ID: "held", When: "temperature > 8", InhibitedBy: []Inhibitor{{Rule: "warm"}}}
	told, short := newStory(t, warm, read, held), newStory(t, warm, read, held)
	short.engine.ExplainOnly(func(rule string) bool { return rule == "read" })
	for _, s := range []*story{told, short} {
		s.series(0, 9, 9, 9, 9, 13, 13, 9, 9, 4, 4, 9, 9, 9, 4, 4, 9, 9, 9, 9, 4)
	}
	words := cmpopts.IgnoreFields(Transition{}, "Values", "Explanation", "Evidence")
	if diff := cmp.Diff(told.got, short.got, words); diff != "" {
		t.Errorf("decisions differ (-told +short):\n%s", diff)
	}
	for i, s := range short.got {
		want := Transition{}
		if s.Key.Rule == "read" {
			want = told.got[i]
		}
		if diff := cmp.Diff([]any{want.Values, want.Explanation, want.Evidence}, []any{s.Values, s.Explanation, s.Evidence}); diff != "" {
			t.Errorf("%v %s: words differ (-want +got):\n%s", s.Key, s.Change, diff)
		}
	}
	if len(short.got) < 12 {
		t.Errorf("only %d transitions: the test shows nothing", len(short.got))
	}
}
