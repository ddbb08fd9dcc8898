package console

import (
	"strings"
	"testing"
	"time"

	"telltale/devices"
)

func TestDurationsAreSaidInTheirTwoLargestUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                                "0 s",
		59 * time.Second:                 "59 s",
		90 * time.Second:                 "1 min 30 s",
		2 * time.Minute:                  "2 min",
		7*time.Hour + 12*time.Minute:     "7 h 12 min",
		50*time.Hour + 59*time.Minute:    "2 d 2 h",
		48*time.Hour + 5*time.Minute:     "2 d",
		-90 * time.Minute:                "−1 h 30 min",
		time.Hour + 999*time.Millisecond: "1 h", // only neighbouring units stand together
	} {
		want = strings.NewReplacer(" s", thin+"s", " min", thin+"min", " h", thin+"h", " d", thin+"d").Replace(want)
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestAgesGrowInOneUnit(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Second: "now", 30 * time.Second: "30 s", 61 * time.Second: "1 min", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d",
		-2 * time.Minute: "in 2 min",
	} {
		want = together(want)
		if got := age(d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{time.Second: "just now", 61 * time.Second: "1 min ago", -2 * time.Minute: "in 2 min"} {
		if got := past(d); got != together(want) {
			t.Errorf("past(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestANumberIsKeptWithItsUnit(t *testing.T) {
	t.Parallel()
	for sentence, want := range map[string]string{
		"Above 8 °C for 1 h 5 min, 20 % left.":       "Above 8_°C for 1_h 5_min, 20_% left.",
		"A17 stands 2 doors from 3 monitors at 9 am": "A17 stands 2 doors from 3 monitors at 9 am",
		"below 7 °C":                              "below 7_°C",
		"-14.4 °C is above -15 °C (since -3)":     "−14.4_°C is above −15_°C (since −3)",
		"KB-7 of 2026-11-22 for fridge-04, 2-8 K": "KB-7 of 2026-11-22 for fridge-04, 2-8_K",
	} {
		if got := strings.ReplaceAll(together(sentence), thin, "_"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestValuesCarryTheirUnit(t *testing.T) {
	t.Parallel()
	metric := func(unit string) devices.Metric { return devices.Metric{Name: "m", Unit: unit} }
	for _, c := range []struct {
		value devices.Value
		unit  string
		want  string
	}{
		{devices.Number(4.2), "Cel", "4.2" + thin + "°C"},
		{devices.Number(-0.5), "Cel", "−0.5" + thin + "°C"},
		{devices.Number(-0.001), "Cel", "0" + thin + "°C"},
		{devices.Number(1), "bool", "yes"},
		{devices.Number(0), "bool", "no"},
		{devices.Number(12.345), "W", "12.35" + thin + "W"},
		{devices.Number(3), "{count}", "3"},
		{devices.Number(3), "", "3"},
		{devices.Label("defrost"), "Cel", "defrost"},
	} {
		if got := quantity(c.value, metric(c.unit)); got != c.want {
			t.Errorf("quantity(%v, %s) = %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestAMetricIsNamedWithoutItsUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, unit, want string }{
		{"compressor_w", "W", "compressor"},
		{"door_open", "bool", "door open"},
		{"w", "W", "w"},
		{"flow", "", "flow"},
	} {
		if got := metricName(devices.Metric{Name: c.name, Unit: c.unit}); got != c.want {
			t.Errorf("metricName(%s in %s) = %q, want %q", c.name, c.unit, got, c.want)
		}
	}
}

func TestSentencesAreShownInTheViewersZoneAndStayText(t *testing.T) {
	t.Parallel()
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	v := viewer{Now: storyNow, Zone: warsaw}
	got := string(v.Text("<b>up</b> at 2026-11-22 07:30:00 UTC & at 2026-11-20 23:30 UTC, since 19:00:33 UTC and 23:59 UTC, not at 2026-99-99 07:30 UTC or 31:00 UTC"))
	for _, want := range []string{
		"&lt;b&gt;up&lt;/b&gt; at ", `datetime="2026-11-22T07:30:00Z"`, ">08:30</time> &amp; at ", ">21 Nov 00:30</time>",
		"since 20:00:33 and 00:59, not at 2026-99-99 07:30 UTC or 31:00 UTC",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
}

func TestPayloadsAreShownAsTextOnlyWhenTheyAreReadable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ payload, text, form string }{
		{`{"ts": 1}`, `{"ts": 1}`, "text"},
		{"caf\u00e9\n", "caf\u00e9\n", "text"},
		{"\x01\x02\xff", "0000  01 02 ff\n", "hex"},
		{"nul\x00", "0000  6e 75 6c 00\n", "hex"},
		{"", "", "text"},
	} {
		if text, form := payloadText([]byte(c.payload)); text != c.text || form != c.form {
			t.Errorf("payloadText(%q) = %q, %s; want %q, %s", c.payload, text, form, c.text, c.form)
		}
	}
	if text, _ := payloadText([]byte(strings.Repeat("x", 1<<20))); len(text) > 5000 {
		t.Errorf("a megabyte is shown whole")
	}
	if _, form := payloadText([]byte(strings.Repeat("€", 2000))); form != "text" {
		t.Errorf("a text cut within a character is shown as %s", form)
	}
}

func TestCountsAreReadableInThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1" + thin + "000", 1234567: "1" + thin + "234" + thin + "567", -1000: "-1" + thin + "000"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestInitialsOfAnyName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Ewa Nowak": "EN", "sam": "S", "": "", "a.b-c": "AB", "Łukasz Öz": "ŁÖ", "  ": ""} {
		if got := initials(name); got != want {
			t.Errorf("initials(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestAStretchNamesItsDaysUnlessAllIsOfToday(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	v := viewer{Now: now, Zone: time.UTC}
	for want, s := range map[string][2]time.Time{
		"09:00 to 12:00":               {now.Add(-3 * time.Hour), now},
		"26 Nov 12:00 to 27 Nov 12:00": {now.Add(-24 * time.Hour), now},
		"25 Nov 12:00 to 14:00":        {now.Add(-48 * time.Hour), now.Add(-46 * time.Hour)},
		"25 Nov 12:00 to 26 Nov 11:00": {now.Add(-48 * time.Hour), now.Add(-25 * time.Hour)},
		"27 Nov 2025 to 26 Nov 11:00":  {now.AddDate(-1, 0, 0), now.Add(-25 * time.Hour)},
	} {
		if got := v.during(s[0], s[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
