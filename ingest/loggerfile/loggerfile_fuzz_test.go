package loggerfile

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"telltale/devices"
)

func FuzzFridgeTag(f *testing.F) {
	sample, err := os.ReadFile("../../../shared/data/fridgetag/sample-fridge-tag.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample[:1200])
	f.Add([]byte("Device: x\nConf:\n Serial: 1\n Temp unit: F\n Zone: -5.30\n Alarm:\n  1:\n   T AL: 8, t AL: 1\nHist:\n 1:\n  Date: 2026-01-01\n  Min T: 1, TS Min T: 00:00\n  Alarm:\n   1:\n    t Acc: 9, TS A: 01:00\n"))
	f.Fuzz(func(t *testing.T, text []byte) { checkEntries(t, FridgeTag, text) })
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("time,device,metric,value\n2026-03-01T12:00:00Z,a,temperature,4.5\n1772366400.5,a/b,mode,\"x\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) { checkEntries(t, CSV, text) })
}

// checkEntries checks that no bytes upset the reader, that what it reads can be
// stored, and that lines go up with at most one complaint each.
func checkEntries(t *testing.T, format Format, text []byte) {
	lines := bytes.Count(text, []byte("\n")) + 1
	ended := false
	for e, err := range Read(format, bytes.NewReader(text), "") {
		if ended {
			t.Error("something follows the end")
		}
		var at *LineError
		switch {
		case errors.As(err, &at):
			if at.Line < 1 || at.Line > lines {
				t.Errorf("complaint about line %d of %d", at.Line, lines)
			}
		case err != nil:
			ended = true
		case e.Line < 1 || e.Line > lines:
			t.Errorf("entry of line %d of %d", e.Line, lines)
		case !devices.ValidID(string(e.Device)):
			t.Errorf("entry of device %q", e.Device)
		case e.Alarm == nil && e.Metric == "":
			t.Errorf("entry without a metric: %+v", e)
		case e.Alarm != nil && (e.Alarm.Total < 0 || !e.Alarm.Until.After(e.Alarm.From)):
			t.Errorf("alarm from %s until %s", e.Alarm.From, e.Alarm.Until)
		}
	}
}
