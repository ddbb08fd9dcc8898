package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"telltale/devices"
	"telltale/ingest/codec"
	"telltale/ingest/stream"
)

// appenderFunc is an Appender.
type appenderFunc func(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error

func (f appenderFunc) Append(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
	return f(ctx, at, reports, refused)
}

// memory keeps what is appended, and fails as long as it is told to.
type memory struct {
	mu      sync.Mutex
	fail    error
	reports []devices.Report
	refused []Quarantined
	calls   int
}

func (m *memory) Append(_ context.Context, _ time.Time, reports []devices.Report, refused [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fail != nil {
		return m.fail
	}
	for _, r := range reports {
		r.Readings = append([]devices.Reading(nil), r.Readings...)
		m.reports = append(m.reports, r)
	}
	for _, record := range refused {
		list, err := DecodeQuarantined(bytes.Clone(record))
		if err != nil {
			return err
		}
		m.refused = append(m.refused, list...)
	}
	return nil
}

func (m *memory) set(fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) stored() ([]devices.Report, []Quarantined, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reports, m.refused, m.calls
}

func ptr(f float64) *float64 { return &f }

// fleet is a directory of fridge-0 to fridge-999, and a device without a model.
func fleet() func() *devices.Directory {
	model := &devices.Model{ID: "FR-200", Metrics: map[string]devices.Metric{
		"temperature":  {Name: "temperature", Unit: "Cel", Min: ptr(-60), Max: ptr(80), From: "TempC_SHT"},
		"door_open":    {Name: "door_open", Unit: "bool"},
		"compressor_w": {Name: "compressor_w", Unit: "W", Min: ptr(0), Max: ptr(2000)},
	}}
	list := []*devices.Device{{ID: "orphan", Model: "none"}}
	for i := range 1000 {
		list = append(list, &devices.Device{ID: devices.ID(fmt.Sprintf("fridge-%d", i)), Model: model.ID})
	}
	d := devices.NewDirectory(1, []*devices.Model{model}, list)
	return func() *devices.Directory { return d }
}

// startPipeline runs a pipeline until the end of the test.
func startPipeline(t testing.TB, log Appender, opts PipelineOptions) *Pipeline {
	t.Helper()
	p, err := NewPipeline(log, fleet(), opts)
	if err != nil {
		t.Fatal(err)
	}
	run(t, p.Run)
	return p
}

// run runs a loop until the end of the test, or until the returned function is
// called, which waits for its end.
func run(t testing.TB, loop func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- loop(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("loop ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func telemetry(device, body string) Message {
	return Message{Topic: "telltale/" + device + "/telemetry", Payload: []byte(body), QoS: 1, ClientID: "c-" + device, ReceivedAt: time.Now()}
}

func TestMessagesBecomeReports(t *testing.T) {
	t.Parallel()
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	m := telemetry("fridge-1", `[{"values":{"TempC_SHT":4.2,"door_open":true,"undeclared":7}},{"faults":["E21"],"seq":3}]`)
	if err := p.Accept(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	status := Message{Topic: "telltale/fridge-2/status", Payload: []byte("offline"), ReceivedAt: m.ReceivedAt}
	if err := p.Accept(t.Context(), status); err != nil {
		t.Fatal(err)
	}
	want := []devices.Report{
		{Device: "fridge-1", ObservedAt: m.ReceivedAt, ReceivedAt: m.ReceivedAt, Readings: []devices.Reading{
			{Metric: "temperature", Value: devices.Number(4.2)}, {Metric: "door_open", Value: devices.Number(1)}, {Metric: "undeclared", Value: devices.Number(7)}}},
		{Device: "fridge-1", ObservedAt: m.ReceivedAt, ReceivedAt: m.ReceivedAt, Seq: 3, Faults: []string{"E21"}},
		{Device: "fridge-2", ObservedAt: m.ReceivedAt, ReceivedAt: m.ReceivedAt, Presence: devices.Offline},
	}
	got, refused, _ := log.stored()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports differ (-want +got):\n%s", diff)
	}
	if len(refused) != 0 {
		t.Errorf("refused %v", refused)
	}
}

func TestWhatCannotBeBelievedGoesToQuarantine(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, topic, body string
		reason            Reason
		detail            string
		kept              int // reports that are stored all the same
		readings          int
	}{
		{"not JSON", "telltale/fridge-1/telemetry", `{"values":`, Malformed, `not JSON: ends in the middle (byte 10)`, 0, 0},
		{"one wrong object spoils its list", "telltale/fridge-1/telemetry", `[{"seq":1},{"seq":-1}]`, Malformed,
			`[1].seq: must be a whole number from 0 to 18446744073709551615 (byte 18)`, 0, 0},
		{"an unknown device", "telltale/fridge-x/telemetry", `{"seq":1}`, UnknownDevice, `device fridge-x is not declared`, 0, 0},
		{"an unknown topic", "home/kitchen", `21`, UnknownTopic, `no source claims topic home/kitchen`, 0, 0},
		{"a clock in 1970", "telltale/fridge-1/telemetry", `{"ts":1000,"values":{"temperature":4}}`, ImpossibleTime,
			`device fridge-1 says it is 1970-01-01 00:16:40 UTC, before 2000`, 0, 0},
		{"a clock ahead", "telltale/fridge-1/telemetry", `{"ts":"2026-03-01T12:10:01Z"}`, ImpossibleTime,
			`device fridge-1 says it is 2026-03-01 12:10:01 UTC, 10 min 1 s ahead of the time of receipt 2026-03-01 12:00:00 UTC; at most 10 min is believed`, 0, 0},
		{"a clock just not too far ahead", "telltale/fridge-1/telemetry", `{"ts":"2026-03-01T12:10:00Z"}`, "", "", 1, 0},
		{"microseconds, known by their size", "telltale/fridge-1/telemetry", `{"ts":1763780000123000}`, "", "", 1, 0},
		{"the wrong ones of a list", "telltale/fridge-1/telemetry", `[{"ts":1},{"seq":1},{"ts":2},{"seq":2},{"ts":3}]`, ImpossibleTime,
			`device fridge-1 says it is 1970-01-01 00:00:01 UTC, before 2000, and 2 more`, 2, 0},
		{"a value below", "telltale/fridge-1/telemetry", `{"values":{"temperature":-60.1,"door_open":0}}`, ImpossibleValue,
			`device fridge-1 says temperature is -60.1, below the -60 that its model can measure`, 1, 1},
		{"a value above, by the vendor's name", "telltale/fridge-1/telemetry", `{"values":{"TempC_SHT":85}}`, ImpossibleValue,
			`device fridge-1 says TempC_SHT is 85, above the 80 that its model can measure`, 1, 0},
		{"values at the limits", "telltale/fridge-1/telemetry", `{"values":{"temperature":-60,"compressor_w":2000}}`, "", "", 1, 2},
		{"a text of a metric that the model does not know", "telltale/fridge-1/telemetry", `{"values":{"mode":"off"}}`, "", "", 1, 1},
		{"a text of a metric that is a number", "telltale/fridge-1/telemetry", `{"values":{"temperature":"off"}}`, ImpossibleValue,
			`device fridge-1 says temperature is off, a text; its model declares it in Cel`, 1, 0},
		{"an infinite value without a model", "telltale/orphan/telemetry", `{"values":{"a":1e999,"b":1}}`, ImpossibleValue,
			`device orphan says a is +Inf, which is no number`, 1, 1},
		{"too large", "telltale/fridge-1/telemetry", `{"values":{"a":"` + strings.Repeat("x", codec.MaxPayload) + `"}}`, TooLarge,
			`payload of 262163 bytes is above the limit of 262144; the first 4096 are kept`, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log memory
			p := startPipeline(t, &log, PipelineOptions{})
			m := Message{Topic: c.topic, Payload: []byte(c.body), ClientID: "gw", ReceivedAt: now}
			if err := p.Accept(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			reports, refused, _ := log.stored()
			readings := 0
			for _, r := range reports {
				readings += len(r.Readings)
			}
			if len(reports) != c.kept || readings != c.readings {
				t.Errorf("stored %d reports with %d readings, want %d with %d", len(reports), readings, c.kept, c.readings)
			}
			var want []Quarantined
			if c.reason != "" {
				kept := m.Payload
				if c.reason == TooLarge {
					kept = kept[:4096]
				}
				want = []Quarantined{{ID: quarantinedID(c.reason, c.topic, kept), Reason: c.reason, Detail: c.detail,
					Topic: c.topic, ClientID: "gw", Payload: kept, ReceivedAt: now}}
			}
			whose := cmpopts.IgnoreFields(Quarantined{}, "Source", "Devices", "ObservedAt")
			if diff := cmp.Diff(want, refused, whose); diff != "" {
				t.Errorf("quarantine differs (-want +got):\n%s", diff)
			}
			outcome := string(c.reason)
			if outcome == "" {
				outcome = outcomeAccepted
			}
			checkOutcomes(t, p, map[string]float64{outcome: 1})
		})
	}
}

// checkOutcomes waits for nothing: outcomes are counted before senders are told.
func checkOutcomes(t testing.TB, p *Pipeline, want map[string]float64) {
	t.Helper()
	got := make(map[string]float64)
	for outcome, c := range p.metrics.outcomes {
		if v := counterValue(t, c); v != 0 {
			got[outcome] = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes differ (-want +got):\n%s", diff)
	}
}

func TestOneBrokenMessageDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			body := `{"values":{"temperature":4}}`
			if i == 50 {
				body = "\x00\xff{"
			}
			if err := p.Accept(t.Context(), telemetry(fmt.Sprintf("fridge-%d", i), body)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	reports, refused, _ := log.stored()
	if len(reports) != 99 || len(refused) != 1 {
		t.Errorf("stored %d reports and %d refused, want 99 and 1", len(reports), len(refused))
	}
	checkOutcomes(t, p, map[string]float64{outcomeAccepted: 99, string(Malformed): 1})
}

func TestRetainedMessagesAreNotTakenForNew(t *testing.T) {
	t.Parallel()
	var log memory
	p := startPipeline(t, &log, PipelineOptions{})
	for _, m := range []Message{
		telemetry("fridge-1", `{"values":{"temperature":4}}`),
		telemetry("fridge-2", `{"ts":1763780000123,"values":{"temperature":4}}`),
		{Topic: "telltale/fridge-3/status", Payload: []byte("online"), ReceivedAt: time.Now()},
	} {
		m.Retained = true
		if err := p.Accept(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	reports, _, _ := log.stored()
	var got []devices.ID
	for _, r := range reports {
		got = append(got, r.Device)
	}
	if diff := cmp.Diff([]devices.ID{"fridge-2", "fridge-3"}, got); diff != "" {
		t.Errorf("stored devices differ (-want +got):\n%s", diff)
	}
	checkOutcomes(t, p, map[string]float64{outcomeAccepted: 2, outcomeRepeated: 1})
}

func TestNothingIsAcknowledgedBeforeItIsStored(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var stored atomic.Int64
	log := appenderFunc(func(_ context.Context, _ time.Time, reports []devices.Report, _ [][]byte) error {
		<-release
		stored.Add(int64(len(reports)))
		return nil
	})
	p := startPipeline(t, log, PipelineOptions{})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := p.Accept(t.Context(), telemetry(fmt.Sprintf("fridge-%d", i), `{}`)); err != nil {
				t.Error(err)
			}
			if stored.Load() == 0 {
				t.Error("accepted before anything was stored")
			}
		})
	}
	close(release)
	wg.Wait()
	if stored.Load() != 50 {
		t.Errorf("stored %d, want 50", stored.Load())
	}
}

func TestFailingLogIsTriedAgainInOrder(t *testing.T) {
	t.Parallel()
	var log memory
	attempts := 0
	flaky := appenderFunc(func(ctx context.Context, at time.Time, reports []devices.Report, refused [][]byte) error {
		if attempts++; attempts%3 != 0 {
			return errors.New("no route to log")
		}
		return log.Append(ctx, at, reports, refused)
	})
	p := startPipeline(t, flaky, PipelineOptions{})
	const n = 100
	results := make(chan int, n)
	for i := range n {
		p.Submit(t.Context(), telemetry("fridge-1", fmt.Sprintf(`{"seq":%d}`, i+1)), func(err error) {
			if err != nil {
				t.Error(err)
			}
			results <- i
		})
	}
	for i := range n {
		if got := <-results; got != i {
			t.Fatalf("result %d came as number %d", got, i)
		}
	}
	reports, _, _ := log.stored()
	for i, r := range reports {
		if r.Seq != uint64(i+1) {
			t.Fatalf("report %d has sequence %d", i, r.Seq)
		}
	}
	if len(reports) != n {
		t.Errorf("stored %d reports, want %d", len(reports), n)
	}
}

func TestSendersAreLetGoWhenTheLogStaysAway(t *testing.T) {
	t.Parallel()
	log := memory{fail: errors.New("no route to log")}
	p := startPipeline(t, &log, PipelineOptions{Patience: 20 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := p.Accept(t.Context(), telemetry(fmt.Sprintf("fridge-%d", i), `{}`)); !errors.Is(err, ErrNotStored) {
				t.Errorf("got %v, want ErrNotStored", err)
			}
		})
	}
	wg.Wait()
	log.set(nil)
	if err := p.Accept(t.Context(), telemetry("fridge-1", `{"seq":9}`)); err != nil {
		t.Fatal(err)
	}
	reports, _, _ := log.stored()
	if len(reports) != 1 || reports[0].Seq != 9 {
		t.Errorf("stored %v: what was given up must not be stored behind its sender's back", reports)
	}
	checkOutcomes(t, p, map[string]float64{outcomeAccepted: 1, outcomeUnstored: 20})
}

func TestFullQueueMakesSendersWait(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	log := appenderFunc(func(context.Context, time.Time, []devices.Report, [][]byte) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	p := startPipeline(t, log, PipelineOptions{QueueMessages: 2})
	stored := make(chan error, 4)
	submit := func() { p.Submit(t.Context(), telemetry("fridge-1", `{}`), func(err error) { stored <- err }) }
	submit()
	<-entered // the flusher is busy with the first; the next two fill the queue
	submit()
	submit()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Submit(ctx, telemetry("fridge-1", `{}`), func(err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a sender whose context ended: got %v, want context.Canceled", err)
		}
	})
	impatient := telemetry("fridge-1", `{}`)
	impatient.ReceivedAt = time.Now().Add(-time.Hour)
	if err := p.Accept(t.Context(), impatient); !errors.Is(err, ErrNotStored) {
		t.Errorf("a sender whose patience ended: got %v, want ErrNotStored", err)
	}
	waiting := make(chan struct{})
	go func() { submit(); close(waiting) }()
	if n, _ := p.queue.size(); n != 2 {
		t.Errorf("%d messages are queued, the limit is 2", n)
	}

	close(release)
	<-entered
	<-waiting
	go func() { <-entered }() // the sender that waited may need a flush of its own
	for range 4 {
		if err := <-stored; err != nil {
			t.Error(err)
		}
	}
}

func TestStoppingStoresWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	var log memory
	p, err := NewPipeline(&log, fleet(), PipelineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 10)
	for range 10 {
		p.Submit(t.Context(), telemetry("fridge-1", `{}`), func(err error) { results <- err })
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if err := p.Accept(t.Context(), telemetry("fridge-1", `{}`)); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
	reports, _, _ := log.stored()
	if len(reports) != 10 {
		t.Errorf("stored %d reports, want 10", len(reports))
	}
}

func TestPipelineIntoTheRealLog(t *testing.T) {
	t.Parallel()
	log, err := stream.Open(t.Context(), stream.Options{Dir: t.TempDir(), Partitions: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	p := startPipeline(t, log, PipelineOptions{Metrics: prometheus.NewRegistry()})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			for n := range 5 {
				body := fmt.Sprintf(`{"seq":%d,"values":{"temperature":%d}}`, n+1, n)
				if i == 7 {
					body = fmt.Sprintf("broken %d", n)
				}
				if err := p.Accept(t.Context(), telemetry(fmt.Sprintf("fridge-%d", i), body)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()

	last := make(map[devices.ID]uint64)
	for partition := range log.Partitions() {
		end, err := log.End(t.Context(), partition)
		if err != nil {
			t.Fatal(err)
		}
		r, err := log.Read(t.Context(), partition, 0)
		if err != nil {
			t.Fatal(err)
		}
		for r.Seq() < end {
			m, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, report := range m.Reports {
				if report.Seq != last[report.Device]+1 {
					t.Errorf("device %s: sequence %d after %d", report.Device, report.Seq, last[report.Device])
				}
				last[report.Device] = report.Seq
			}
		}
		r.Close()
	}
	if len(last) != 199 {
		t.Errorf("log holds %d devices, want 199", len(last))
	}
	for id, seq := range last {
		if seq != 5 {
			t.Errorf("device %s: %d reports, want 5", id, seq)
		}
	}
	if got := readQuarantine(t, log); len(got) != 5 || got[4].Reason != Malformed {
		t.Errorf("quarantine holds %v, want 5 malformed messages", got)
	}
}

// readQuarantine returns everything in the quarantine of a log.
func readQuarantine(t testing.TB, log *stream.Log) []Quarantined {
	t.Helper()
	end, err := log.QuarantineEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := log.ReadQuarantine(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []Quarantined
	for r.Seq() < end {
		record, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list, err := DecodeQuarantined(record.Payload)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list...)
	}
	return all
}
