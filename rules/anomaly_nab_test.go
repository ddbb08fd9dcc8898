//go:build !race

package rules

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// The two series of the Numenta Anomaly Benchmark that are temperatures of
// machines which failed, with the windows that its authors labelled.
const nabFolder = "../../shared/data/nab/"

// labelled is a series whose anomalies are known.
type labelled struct {
	name    string
	at      []int64
	value   []float64
	windows []labelledWindow
}

// labelledWindow is a stretch of a series, by index and both ends included,
// within which a detection counts.
type labelledWindow struct{ first, last int }

// middle is the index of the anomaly itself: windows are centred on it.
func (w labelledWindow) middle() int { return (w.first + w.last) / 2 }

func nabSeries(t testing.TB, file string) labelled {
	t.Helper()
	f, err := os.Open(nabFolder + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s := labelled{name: file}
	for _, row := range rows[1:] {
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		s.at, s.value = append(s.at, at.UnixNano()), append(s.value, v)
	}
	s.windows = nabWindows(t, s, file)
	return s
}

// nabWindows finds the labelled windows' ends among the readings.
func nabWindows(t testing.TB, s labelled, file string) []labelledWindow {
	t.Helper()
	content, err := os.ReadFile(nabFolder + "windows.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][][2]string
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	var windows []labelledWindow
	for _, ends := range all[file] {
		w := labelledWindow{first: -1}
		for i, at := range s.at {
			text := time.Unix(0, at).UTC().Format("2006-01-02 15:04:05.000000")
			if w.first < 0 && text >= ends[0] {
				w.first = i
			}
			if text <= ends[1] {
				w.last = i
			}
		}
		windows = append(windows, w)
	}
	return windows
}

// nabProbation is how many readings at the start of a series are not scored:
// 15 in 100, of 5,000 at most.
func nabProbation(n int) int { return min(15*n/100, 750) }

// nabScaledSigmoid is what a detection is worth by its place: just under 1 at
// the start of a window (-1), 0 at its end, and towards -1 behind it.
func nabScaledSigmoid(place float64) float64 {
	if place > 3 {
		return -1
	}
	return 2/(1+math.Exp(5*place)) - 1
}

// nabScore is the score of the benchmark's standard profile: true positives
// weigh 1, false positives 0.11 and missed windows 1; 0 is a detector that
// says nothing and 100 a perfect one. A reading is detected when its score is
// at least the threshold. It is written from A. Lavin, S. Ahmad, "Evaluating
// Real-time Anomaly Detection Algorithms" (2015), with the benchmark's own
// conventions at the edges of windows.
func nabScore(s labelled, scores []float64, threshold float64) float64 {
	const falsePositive, missed = 0.11, 1.0
	best := make([]float64, len(s.windows))
	for i := range best {
		best[i] = -missed
	}
	total, next := 0.0, 0
	for i := range s.value {
		for next < len(s.windows) && i > s.windows[next].last {
			next++
		}
		if i < nabProbation(len(s.value)) || !(scores[i] >= threshold) {
			continue
		}
		switch {
		case next < len(s.windows) && i >= s.windows[next].first:
			w := s.windows[next]
			place := -float64(w.last-i+1) / float64(w.last-w.first+1)
			best[next] = math.Max(best[next], nabScaledSigmoid(place)/nabScaledSigmoid(-1))
		case next == 0:
			total -= falsePositive
		default:
			w := s.windows[next-1]
			total += falsePositive * nabScaledSigmoid(float64(i-w.last)/float64(w.last-w.first))
		}
	}
	for _, b := range best {
		total += b
	}
	null, perfect := -missed*float64(len(best)), float64(len(best))
	return 100 * (total - null) / (perfect - null)
}
