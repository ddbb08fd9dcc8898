package backtest

// Progress is how far a run is, in readings.
type Progress struct {
	Read   int64 // from the file or the store
	Played int64
	Total  int64   // as far as it is known; an estimate until all are read; 0: not known
	Share  float64 // of the time from the first reading to the end, or of the file's readings: from 0 to 1
}
