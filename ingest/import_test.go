package ingest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
)

// fromFile is one reading as an import has it.
func fromFile(device devices.ID, at time.Time, metric string, v devices.Value, unit string) devices.Report {
	return devices.Report{
		Device: device, ObservedAt: at, ReceivedAt: time.Now(),
		Readings: []devices.Reading{{Metric: metric, Value: v}}, Units: []string{unit},
	}
}

func importSample() []devices.Report {
	at := time.Now().Add(-30 * 24 * time.Hour)
	return []devices.Report{
		fromFile("fridge-1", at, "temperature", devices.Number(4), "Cel"),
		fromFile("nobody", at, "temperature", devices.Number(4), ""),
		fromFile("fridge-1", at.Add(time.Minute), "TempC_SHT", devices.Number(41), "[degF]"),
		fromFile("fridge-1", at.Add(2*time.Minute), "temperature", devices.Number(500), ""),
		fromFile("fridge-1", time.Unix(0, 0), "temperature", devices.Number(4), ""),
		fromFile("fridge-1", at.Add(3*time.Minute), "temperature", devices.Number(4), "m"),
	}
}

func TestImportStoresWhatIsBelievedAndReturnsTheRest(t *testing.T) {
	t.Parallel()
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	want := []int{1, 3, 4, 5}
	for _, dry := range []bool{true, false} {
		var rejections []Rejection
		if dry {
			rejections = p.WouldImport(importSample())
		} else {
			var err error
			if rejections, err = p.Import(t.Context(), importSample()); err != nil {
				t.Fatal(err)
			}
		}
		var got []int
		for _, r := range rejections {
			got = append(got, r.Index)
			if r.Detail == "" {
				t.Errorf("no reason for report %d", r.Index)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("dry run %v: rejected (-want +got):\n%s", dry, diff)
		}
		if dry && log.calls != 0 {
			t.Error("the dry run stored something")
		}
	}
	var values []string
	for _, r := range log.reports {
		values = append(values, r.Readings[0].Metric+"="+r.Readings[0].Value.String())
	}
	if diff := cmp.Diff([]string{"temperature=4", "temperature=5"}, values); diff != "" || len(log.refused) != 0 {
		t.Errorf("stored, with %d in quarantine (-want +got):\n%s", len(log.refused), diff)
	}
}

func TestImportIntoAStoppedPipelineFails(t *testing.T) {
	t.Parallel()
	p, err := NewPipeline(&memory{}, fleet(), PipelineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, p.Run)
	stop()
	if _, err := p.Import(t.Context(), importSample()); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v", err)
	}
	if rejections, err := p.Import(t.Context(), importSample()[1:2]); err != nil || len(rejections) != 1 {
		t.Errorf("nothing to store: %v, %v", rejections, err)
	}
}
