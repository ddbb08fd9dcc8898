package console

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"telltale/ingest/history"
)

// chartData is what the script draws. Times are Unix seconds.
type chartData struct {
	Unit   string        `json:"unit"`
	Switch bool          `json:"switch,omitempty"` // values are 0 and 1 and mean no and yes
	From   float64       `json:"from"`
	To     float64       `json:"to"`
	Series []chartSeries `json:"series"`
	Limits []chartLimit  `json:"limits,omitempty"`
	Band   *chartBand    `json:"band,omitempty"`
	Spans  []chartSpan   `json:"spans,omitempty"`
	Marks  []chartMark   `json:"marks,omitempty"`
	Lanes  []chartLane   `json:"lanes,omitempty"`
}

// chartSeries is one line. A null value breaks it: there was no data. Min and
// Max are there when its points sum up several readings.
type chartSeries struct {
	Name string     `json:"name"`
	T    []float64  `json:"t"`
	V    []*float64 `json:"v"`
	Min  []*float64 `json:"min,omitempty"`
	Max  []*float64 `json:"max,omitempty"`
}

type chartLimit struct {
	Value float64 `json:"value"`
	Label string  `json:"label,omitempty"`
}

type chartBand struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// chartSpan is a stretch of time: outside, gap or excluded.
type chartSpan struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Kind string  `json:"kind"`
}

// chartMark is one moment with a word.
type chartMark struct {
	T     float64 `json:"t"`
	Label string  `json:"label"`
	Kind  string  `json:"kind"` // colour
}

// chart is a chart on a page: where its data come from, and what they say
// to somebody who cannot see them.
type chart struct {
	Title   string
	Source  string // address of its data; "": there are none, and Summary says why
	Summary string
	Table   []chartRow
	Limited bool
	Short   bool
	Every   bool // is drawn anew from time to time

	data chartData
}

func (c *chart) drawn() bool { return c.Source != "" }

// chartRow is one line of the table below a chart.
type chartRow struct{ At, Min, Avg, Max string }

// maxPoints bounds the points of one line: more than a screen has columns
// cost time and show nothing.
const maxPoints = 600

// tableRows bounds the table below a chart.
const tableRows = 24

// stepFor returns the resolution at which a span of time has at most n
// points; zero when every reading fits.
func stepFor(span, reportEvery time.Duration, n int) time.Duration {
	if reportEvery > 0 && span/reportEvery <= time.Duration(n) {
		return 0
	}
	steps := []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
	for _, step := range steps {
		if span/step <= time.Duration(n) {
			return step
		}
	}
	return 24 * time.Hour
}

// unix returns t in seconds as scripts count them.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// lineOf turns buckets into a line, broken where the distance between two is
// longer than gap allows. A line of single readings has no spread.
func lineOf(name string, buckets []history.Bucket, step, gap time.Duration) chartSeries {
	line := chartSeries{Name: name, T: []float64{}, V: []*float64{}}
	spread := step > 0
	add := func(t time.Time, v, low, high *float64) {
		line.T, line.V = append(line.T, unix(t)), append(line.V, v)
		if spread {
			line.Min, line.Max = append(line.Min, low), append(line.Max, high)
		}
	}
	for i, b := range buckets {
		if i > 0 && gap > 0 && b.T.Sub(buckets[i-1].T) > gap {
			add(buckets[i-1].T.Add(max(step, time.Second)), nil, nil, nil)
		}
		add(b.T, &b.Avg, &b.Min, &b.Max)
	}
	return line
}

// gapFor is the distance between two points of a line that means no data.
func gapFor(step, staleAfter time.Duration) time.Duration {
	if staleAfter == 0 && step == 0 {
		return 0
	}
	return max(staleAfter, step+step/2)
}

// extremes returns the lowest and highest value of buckets.
func extremes(buckets []history.Bucket) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, b := range buckets {
		low, high = min(low, b.Min), max(high, b.Max)
	}
	return low, high, len(buckets) > 0
}

// summary says in a sentence what a line shows.
func (v viewer) summary(name string, from, to time.Time, buckets []history.Bucket, print func(float64) string) string {
	low, high, ok := extremes(buckets)
	when := v.during(from, to)
	if !ok {
		return fmt.Sprintf("%s, %s: no readings.", title(name), when)
	}
	if low == high {
		return fmt.Sprintf("%s, %s: steady at %s.", title(name), when, print(low))
	}
	return fmt.Sprintf("%s, %s: from %s to %s.", title(name), when, print(low), print(high))
}

// table sums buckets up into the few lines that a person reads.
func (v viewer) table(buckets []history.Bucket, print func(float64) string) []chartRow {
	per := (len(buckets) + tableRows - 1) / tableRows
	var rows []chartRow
	for start := 0; start < len(buckets); start += per {
		some := buckets[start:min(start+per, len(buckets))]
		low, high, _ := extremes(some)
		var sum float64
		var n int64
		for _, b := range some {
			sum += b.Avg * float64(b.N)
			n += b.N
		}
		rows = append(rows, chartRow{v.short(some[0].T), print(low), print(sum / float64(max(n, 1))), print(high)})
	}
	return rows
}

// sendChart answers with a chart's data.
func (s *Server) sendChart(w http.ResponseWriter, data chartData) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(data); err != nil {
		s.log.Debug("chart not sent: client went away")
	}
}
