package devices

import (
	"math"
	"testing"
)

func TestATextIsReadAsWhatItsMetricIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit, text string
		want       Value
		believed   bool
	}{
		{"Cel", "9.4", Number(9.4), true},
		{"Cel", "-9.4e1", Number(-94), true},
		{"Cel", "1e400", Number(math.Inf(1)), true}, // the pipeline finds that it is no number
		{"Cel", "warm", Label("warm"), false},
		{"Cel", "on", Label("on"), false},
		{"Cel", "NaN", Label("NaN"), false},
		{"Cel", "0x1p4", Label("0x1p4"), false},
		{"Cel", "1_0", Label("1_0"), false},
		{"Cel", "9,4", Label("9,4"), false}, // nobody knows whether a comma parts thousands
		{"Cel", "9.4 C", Label("9.4 C"), false},
		{"bool", "ON", Number(1), true},
		{"bool", "off", Number(0), true},
		{"bool", "Yes", Number(1), true},
		{"boolean", "false", Number(0), true},
		{"bool", "1", Number(1), true},
		{"bool", "open", Label("open"), false}, // which of the two is 1, only the source's labels know
		{"text", "9.4", Label("9.4"), true},
		{"enum", "on", Label("on"), true},
		{"", "9.4", Label("9.4"), true},
	} {
		m := Metric{Name: "m", Unit: c.unit}
		got := m.Read(Label(c.text))
		if got != c.want || m.Believes(got) != c.believed {
			t.Errorf("%q of a metric in %q is %v, believed %v; want %v, %v", c.text, c.unit, got, m.Believes(got), c.want, c.believed)
		}
	}
	if got := (Metric{Unit: "text"}).Read(Number(3)); got != Number(3) {
		t.Errorf("a number became %v", got)
	}
}
