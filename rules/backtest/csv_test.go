package backtest

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

func read(text string) (all []Reading, err error) {
	for r, e := range ReadCSV(strings.NewReader(text)) {
		if e != nil {
			return all, e
		}
		all = append(all, r)
	}
	return all, nil
}

func TestReadingsAreReadInAnyOrderOfColumnsAndBothFormsOfTime(t *testing.T) {
	t.Parallel()
	got, err := read("\ufeffdevice,Time, metric,value\nf1,2026-01-01T01:00:00+01:00,temperature,4.5\nf1,1767225600123,mode,defrost\nf1,1767225600123,door_open,true\n")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := []Reading{
		{"f1", "temperature", at, devices.Number(4.5)},
		{"f1", "mode", at.Add(123 * time.Millisecond), devices.Label("defrost")},
		{"f1", "door_open", at.Add(123 * time.Millisecond), devices.Number(1)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readings differ (-want +got):\n%s", diff)
	}
}

func TestABrokenFileIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	const header = "time,device,metric,value\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "line 1: the file is empty; the header is time,device,metric,value"},
		{"no header", "2026-01-01T00:00:00Z,f1,t,4\n", `line 1: unknown column "2026-01-01T00:00:00Z" (the header is time,device,metric,value)`},
		{"a column too few", "time,device,value\n", `line 1: column "metric" is missing (the header is time,device,metric,value)`},
		{"a field too few", header + "1767225600123,f1,t,4\n1767225600123,f1,t\n", "line 3: not as many columns as the header"},
		{"a bad quote", header + "1767225600123,f1,\"t,4\n", `line 2: extraneous or missing " in quoted-field`},
		{"no time", header + "yesterday,f1,t,4\n", `line 2: "yesterday" is not a time (RFC 3339 or Unix milliseconds)`},
		{"seconds", header + "1767225600,f1,t,4\n", "line 2: time 1767225600 is not in Unix milliseconds"},
		{"a bad device", header + "1767225600123,f//1,t,4\n", `line 2: "f//1" is not a device id`},
		{"no metric", header + "1767225600123,f1,,4\n", "line 2: metric is empty"},
		{"no value", header + "1767225600123,f1,t,\n", "line 2: value is empty"},
		{"not a number", header + "1767225600123,f1,t,NaN\n", "line 2: NaN is not a finite number"},
		{"too large", header + "1767225600123,f1,t,1e999\n", "line 2: 1e999 is not a finite number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(c.text)
			var line *LineError
			if !errors.As(err, &line) || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAFailingReaderIsNotTakenForTheEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk gone")
	for _, err := range ReadCSV(iotest.ErrReader(broken)) {
		if !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("time,device,metric,value\n2026-01-01T00:00:00Z,f1,temperature,4.5\n1767225600123,f1,mode,\"de,frost\"\n")
	f.Add("value,metric,device,time\ntrue,door,f1,1767225600123\n")
	f.Add("time,device,metric,value\n\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := read(text)
		var line *LineError
		if err != nil && (!errors.As(err, &line) || line.Line < 1) {
			t.Errorf("error without a line: %v", err)
		}
		for _, r := range all {
			if !devices.ValidID(string(r.Device)) || r.Metric == "" || r.Value.Number != r.Value.Number {
				t.Errorf("accepted %+v", r)
			}
		}
	})
}
