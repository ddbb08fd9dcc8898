package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTheNumbersOfAConditionAreFoundAndReplaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		condition string
		want      []ComparedNumber
		replaced  []string // each by 12.5
	}{
		{"temperature > 8", []ComparedNumber{{Value: 8, Before: "temperature >", Metric: "temperature"}}, []string{"temperature > 12.5"}},
		{"8<temperature", []ComparedNumber{{Value: 8, Before: "< temperature", Metric: "temperature"}}, []string{"12.5<temperature"}},
		{"t <= -0.5 and door_open", []ComparedNumber{{Value: -0.5, Before: "t <=", Metric: "t"}}, []string{"t <= 12.5 and door_open"}},
		{"t > 8 or t < 2", []ComparedNumber{{Value: 8, Before: "t >", Metric: "t"}, {Value: 2, Before: "t <", Metric: "t"}},
			[]string{"t > 12.5 or t < 2", "t > 8 or t < 12.5"}},
		{`avg(t, "10m") > 8`, []ComparedNumber{{Value: 8, Before: `avg(t, "10m") >`, Metric: "t"}}, []string{`avg(t, "10m") > 12.5`}},
		{`rate(t, "1h") > 1e1`, []ComparedNumber{{Value: 10, Before: `rate(t, "1h") >`}}, []string{`rate(t, "1h") > 12.5`}},
		{"t > degF(46)", []ComparedNumber{{Value: 46, Before: "t > degF("}}, []string{"t > degF(12.5)"}},
		{`time_where(t > 8, "24h") > 3600`, []ComparedNumber{{Value: 8, Before: "t >", Metric: "t"},
			{Value: 3600, Before: `time_where(t > 8, "24h") >`}},
			[]string{`time_where(t > 12.5, "24h") > 3600`, `time_where(t > 8, "24h") > 12.5`}},
		{"größe > 3 and t > 4", []ComparedNumber{{Value: 3, Before: "größe >", Metric: "größe"}, {Value: 4, Before: "t >", Metric: "t"}},
			[]string{"größe > 12.5 and t > 4", "größe > 3 and t > 12.5"}},
		{`fault("E21")`, nil, nil},
		{"t > 0x10", nil, nil},
		{"t >", nil, nil},
	} {
		t.Run(c.condition, func(t *testing.T) {
			t.Parallel()
			got := ComparedNumbers(c.condition)
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(ComparedNumber{})); diff != "" {
				t.Errorf("numbers differ (-want +got):\n%s", diff)
			}
			for i, n := range got {
				text, err := n.Replace(c.condition, 12.5)
				if err != nil || text != c.replaced[i] {
					t.Errorf("replaced: %q, %v, want %q", text, err, c.replaced[i])
				}
			}
		})
	}
	if _, err := ComparedNumbers("temperature > 8")[0].Replace("t > 8", 1); err == nil {
		t.Error("a number was put into a condition that does not hold it")
	}
}

func FuzzComparedNumbers(f *testing.F) {
	for _, condition := range []string{"t > 8", "8 < t", "t < -3 or avg(t, \"1h\") >= .5", "t > degF(46)", "ä > 1 > 2"} {
		f.Add(condition)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		for _, n := range ComparedNumbers(condition) {
			replaced, err := n.Replace(condition, n.Value)
			if err != nil {
				t.Fatalf("%q: %v", condition, err)
			}
			if _, fault := parse(replaced); fault != nil {
				t.Errorf("%q became %q, which cannot be read: %s", condition, replaced, fault.text)
			}
		}
	})
}
