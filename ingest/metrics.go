package ingest

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcomes of a message beside the reasons for quarantine.
const (
	outcomeAccepted = "accepted" // stored, and nothing of it refused
	outcomeRepeated = "repeated" // retained by a broker and without a time: nobody knows how old it is
	outcomeUnstored = "unstored" // not stored and not acknowledged: its sender has to send it again
)

// metrics are the pipeline's. Each counter that the hot path touches is looked
// up once.
type metrics struct {
	outcomes map[string]prometheus.Counter
	reports  prometheus.Counter
	readings prometheus.Counter

	pauses       prometheus.Counter
	pauseSeconds prometheus.Counter

	flushed       prometheus.Histogram
	flushSeconds  prometheus.Histogram
	flushFailures prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, q *queue) (*metrics, error) {
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "telltale_ingest_messages_total",
		Help: "MQTT messages by what became of them: accepted, repeated, unstored, or the reason for quarantine.",
	}, []string{"outcome"})
	m := &metrics{
		outcomes: make(map[string]prometheus.Counter),
		reports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_ingest_reports_total", Help: "Device reports stored in the log."}),
		readings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_ingest_readings_total", Help: "Readings stored in the log."}),
		pauses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_ingest_pauses_total", Help: "Times that a sender was kept waiting because its device was beyond its limit."}),
		pauseSeconds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_ingest_pause_seconds_total", Help: "How long senders were kept waiting because of their devices' limits."}),
		flushed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "telltale_ingest_flush_messages", Help: "Messages that shared one flush to the log.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 9)}),
		flushSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "telltale_ingest_flush_seconds", Help: "Time until a flush was synced to disk, failed attempts included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}),
		flushFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telltale_ingest_flush_failures_total", Help: "Attempts to append to the log that failed, and were or will be repeated."}),
	}
	for _, outcome := range []string{outcomeAccepted, outcomeRepeated, outcomeUnstored} {
		m.outcomes[outcome] = messages.WithLabelValues(outcome)
	}
	for _, reason := range Reasons() {
		m.outcomes[string(reason)] = messages.WithLabelValues(string(reason))
	}
	return m, register(reg, messages, m.reports, m.readings, m.pauses, m.pauseSeconds, m.flushed, m.flushSeconds, m.flushFailures,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "telltale_ingest_queue_messages", Help: "Messages waiting to be flushed."},
			func() float64 { n, _ := q.size(); return float64(n) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "telltale_ingest_queue_bytes", Help: "Estimated memory of the messages waiting to be flushed."},
			func() float64 { _, n := q.size(); return float64(n) }),
	)
}

// pause waits, unless end is closed before, and counts it.
func (m *metrics) pause(pause time.Duration, end <-chan struct{}) {
	if pause <= 0 {
		return
	}
	m.pauses.Inc()
	m.pauseSeconds.Add(pause.Seconds())
	select {
	case <-time.After(pause):
	case <-end:
	}
}

// register registers all collectors; reg may be nil.
func register(reg prometheus.Registerer, collectors ...prometheus.Collector) error {
	if reg == nil {
		return nil
	}
	var errs []error
	for _, c := range collectors {
		errs = append(errs, reg.Register(c))
	}
	return errors.Join(errs...)
}
