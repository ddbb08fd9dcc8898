package tickets

import (
	"testing"

	"telltale/rules"
)

func TestPriorityFollowsSeverityAndTier(t *testing.T) {
	t.Parallel()
	want := map[rules.Severity][2]Priority{ // standard, gold
		rules.Info: {Low, Normal}, rules.Minor: {Normal, High}, rules.Major: {High, Urgent}, rules.Critical: {Urgent, Urgent},
	}
	for severity, row := range want {
		if got := PriorityFor(severity, "standard"); got != row[0] {
			t.Errorf("%s standard is %s, want %s", severity, got, row[0])
		}
		if got := PriorityFor(severity, "gold"); got != row[1] {
			t.Errorf("%s gold is %s, want %s", severity, got, row[1])
		}
	}
}

func TestPriorityRisesWithSeverityFromWhereItIs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		p        Priority
		from, to rules.Severity
		want     Priority
	}{
		{"a step for a step", High, rules.Major, rules.Critical, Urgent},
		{"what a person lowered rises from there", Low, rules.Major, rules.Critical, Normal},
		{"two steps for two", Low, rules.Minor, rules.Critical, High},
		{"never above urgent", Urgent, rules.Info, rules.Critical, Urgent},
		{"never down", High, rules.Critical, rules.Minor, High},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.p.up(tt.from, tt.to); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
