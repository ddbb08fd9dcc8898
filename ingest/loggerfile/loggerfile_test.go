package loggerfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// collect reads a whole file: entries in short, complaints as they are said.
func collect(format Format, r io.Reader, device devices.ID) (entries, complaints []string) {
	for e, err := range Read(format, r, device) {
		switch {
		case err != nil:
			complaints = append(complaints, err.Error())
		case e.Alarm != nil:
			entries = append(entries, fmt.Sprintf("%d %s %s %s %g for %s of %s", e.Line, e.Device, e.Alarm.From.Format(time.DateOnly),
				e.Alarm.Kind, e.Alarm.Limit, e.Alarm.Total, e.Alarm.Allowed))
		default:
			entries = append(entries, fmt.Sprintf("%d %s %s %s=%s%s", e.Line, e.Device, e.At.Format(time.RFC3339), e.Metric, e.Value, e.Unit))
		}
	}
	return entries, complaints
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	entries, complaints := collect(CSV, strings.NewReader("\ufeffTime, device,metric,value\r\n"+
		"2026-03-01T12:00:00+01:00,a,temperature,4.5\r\n"+
		"1772366400,Plant/L:201/oven,door_open,true\n"+
		"\n"+
		"1772366400123,a,mode,\"defrost\"\n"+
		"yesterday,a,temperature,4\n"+
		"1772366400,a b,temperature,4\n"+
		"1772366400,a,,4\n"+
		"1772366400,a,temperature,\n"+
		"1772366400,a,temperature,NaN\n"+
		"1772366400,a,temperature\n"+
		"1772366400,a,\"temperature,4\n"+
		strings.Repeat("x", MaxLine+10)+"\n"+
		"1772366400,a,temp\xff,4\n"+
		"1772366401,a,temperature,1e2"), "")
	want(t, "entries", entries,
		"2 a 2026-03-01T11:00:00Z temperature=4.5", "3 Plant/L:201/oven 2026-03-01T12:00:00Z door_open=1",
		"5 a 2026-03-01T12:00:00Z mode=defrost", "15 a 2026-03-01T12:00:01Z temperature=100")
	want(t, "complaints", complaints,
		`line 6: "yesterday" is no time: write 2026-03-01T12:00:00Z or a Unix time`,
		`line 7: "a b" is no device id`,
		`line 8: metric must have 1 to 128 bytes`,
		`line 9: value is empty`,
		`line 10: NaN is no finite number`,
		`line 11: has 3 columns, the header 4`,
		`line 12: extraneous or missing " in quoted-field`,
		`line 13: is longer than 65536 bytes`,
		`line 14: is no text in UTF-8`)
}

func TestCSVOfOneDevice(t *testing.T) {
	t.Parallel()
	entries, complaints := collect(CSV, strings.NewReader("value,time,metric\n4,1772366400,t\n"), "logger-1")
	want(t, "entries", entries, "2 logger-1 2026-03-01T12:00:00Z t=4")
	want(t, "complaints", complaints)
}

func TestFilesThatAreNoneOfTheirFormat(t *testing.T) {
	t.Parallel()
	const head = "Device: Q-tag Fridge-tag 2\nConf:\n Serial: 1\n Temp unit: C\n"
	for _, c := range []struct {
		name   string
		format Format
		device devices.ID
		text   string
		want   string
	}{
		{"an empty CSV", CSV, "", "", "the file is empty; the columns are time, device, metric and value"},
		{"a CSV with another column", CSV, "", "time,temp\n", `line 1: unknown column "temp"; the columns are time, device, metric and value`},
		{"a CSV without a device", CSV, "", "time,metric,value\n", `line 1: column "device" is missing; the columns are time, device, metric and value`},
		{"a device twice", CSV, "a", "time,device,metric,value\n", "line 1: the file has a column for the device, so none is to be named for all of it"},
		{"an unknown format", "xlsx", "", "", `unknown format "xlsx" (one of [csv fridgetag])`},
		{"an empty report", FridgeTag, "", "", errNoFridgeTag.Error()},
		{"a CSV for a report", FridgeTag, "", "time,device\n", errNoFridgeTag.Error()},
		{"a report without days", FridgeTag, "", head, errNoFridgeTag.Error()},
		{"a report without a unit", FridgeTag, "", "Device: x\nConf:\n Serial: 1\nHist:\n", "line 4: the section Conf does not say the unit and the serial number: " + errNoFridgeTag.Error()},
		{"a strange unit", FridgeTag, "", "Device: x\nConf:\n Temp unit: K\n", `line 3: Temp unit: unknown unit "K"`},
		{"a strange zone", FridgeTag, "", "Device: x\nConf:\n Zone: 1.10\n", `line 3: Zone: "1.10" is no zone`},
		{"a line indented too deep", FridgeTag, "", "Device: x\n   Zone: 1\n", "line 2: is indented deeper than the line before"},
		{"a day without a number", FridgeTag, "", head + "Hist:\n one:\n", `line 6: "one" is no number of a day`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			entries, complaints := collect(c.format, strings.NewReader(c.text), c.device)
			want(t, "entries", entries)
			want(t, "complaints", complaints, c.want)
		})
	}
}

func TestSampleOfAFridgeTag(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../shared/data/fridgetag/sample-fridge-tag.txt")
	if err != nil {
		t.Fatal(err)
	}
	entries, complaints := collect(FridgeTag, strings.NewReader(string(text)), "")
	want(t, "complaints", complaints)
	if len(entries) != 60*4 {
		t.Errorf("%d entries, want lowest, highest, mean and alarm of 60 days", len(entries))
	}
	want(t, "the first day", entries[:4],
		"33 160400347643 2026-04-29T09:49:00Z temperature=21.8Cel",
		"34 160400347643 2026-04-29T15:49:00Z temperature=23.5Cel",
		"35 160400347643 2026-04-29T16:21:00Z temperature_mean=22.4Cel",
		"40 160400347643 2026-04-29 above 8 for 16h14m0s of 10h0m0s")
	want(t, "the last day", entries[len(entries)-4:],
		"800 160400347643 2026-03-01T18:53:00Z temperature=21.9Cel",
		"801 160400347643 2026-03-01T15:12:00Z temperature=22.8Cel",
		"802 160400347643 2026-03-01T23:59:59Z temperature_mean=22.2Cel",
		"807 160400347643 2026-03-01 above 8 for 24h0m0s of 10h0m0s")

	named, _ := collect(FridgeTag, strings.NewReader(string(text)), "fridge-1")
	if !strings.Contains(named[0], " fridge-1 ") {
		t.Errorf("the device's own name is not taken: %s", named[0])
	}
}

func TestFridgeTagLineByLine(t *testing.T) {
	t.Parallel()
	entries, complaints := collect(FridgeTag, strings.NewReader(`Device: Q-tag
Conf:
 Serial: 7
 Zone: -3.50
 Temp unit: F
 Alarm:
  0:
   T AL: +31.1, t AL: 60
  1:
   T AL: +46.4, t AL: 600
Hist:
 1:
  Date: 2026-03-01
  Min T: +30.2, TS Min T: 23:00
  Max T: warm, TS Max T: 12:00
  Avrg T: +40.1
  Alarm:
   0:
    t Acc: 70, TS A: 22:10, C A: 1
   1:
    t Acc: many
  Int Sensor timeout:
   t AccST: 12
  Events: 0
 2:
  Date: today
  Min T: +30.2, TS Min T: 23:00
 3:
  Date: 2026-02-27
  Min T: +30.2, TS Min T: 25:00
  Max T: +30.2
`), "")
	want(t, "entries", entries,
		"14 7 2026-03-02T02:30:00Z temperature=30.2[degF]",
		"16 7 2026-03-02T03:29:59Z temperature_mean=40.1[degF]",
		"19 7 2026-03-01 below -0.5 for 1h10m0s of 1h0m0s",
		"23 7 2026-03-01 sensor_timeout 0 for 12m0s of 0s")
	want(t, "complaints", complaints,
		`line 15: Max T: "warm" is no temperature`,
		`line 21: t Acc: "many" is no number of minutes`,
		`line 26: Date: "today" is no date`,
		`line 27: Min T: the day has no date that could be read`,
		`line 30: Min T: "25:00" is no time of day`,
		`line 31: Max T: TS Max T is missing`)
}

func TestAFileThatCannotBeReadEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("the stick was pulled out")
	for _, format := range Formats() {
		text := "time,device,metric,value\n1772366400,a,t,1\n"
		if format == FridgeTag {
			text = "Device: x\nConf:\n"
		}
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		var last error
		for _, err := range Read(format, r, "") {
			last = err
		}
		if !errors.Is(last, broken) {
			t.Errorf("%s: ended with %v", format, last)
		}
	}
}
