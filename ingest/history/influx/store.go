package influx

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	influxdb "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	"golang.org/x/sync/errgroup"

	"telltale/devices"
	"telltale/ingest/history"
)

// Ledger keeps what InfluxDB has no transactions for.
type Ledger interface {
	// Position returns how far a partition of the log is stored.
	Position(ctx context.Context, partition int) (uint64, error)

	// Advance moves the chunks' partitions to their positions and puts what
	// was refused into quarantine, in one transaction. It returns a
	// [*history.FencedError] when a chunk's epoch is no longer current.
	Advance(ctx context.Context, chunks []history.Chunk, refused []history.Refused) error
}

// Store is the reading history in InfluxDB: a [history.Store], and the queries
// of console and backtest. Safe for concurrent use.
type Store struct {
	opts     Options
	ledger   Ledger
	client   influxdb.Client
	http     *http.Client
	writes   api.WriteAPIBlocking
	queries  api.QueryAPI
	language atomic.Int32 // what queries are made in, see language

	failure atomic.Pointer[error] // of the last write; nil: it went well
}

// requestLimit bounds a request with its answer; of [Store.Walk], which goes
// on for as long as there are readings, until the answer begins.
const requestLimit = 30 * time.Second

// New returns the store at the place that the options name. It reaches
// nowhere yet. The caller closes it. A store that is only read from, or only
// copied to, needs no ledger.
func New(opts Options, ledger Ledger) (*Store, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32 // a partition's writer each, and readers
	transport.ResponseHeaderTimeout = requestLimit
	s := &Store{opts: opts, ledger: ledger, http: &http.Client{Transport: transport}}
	// No gzip: on a fast network it costs more time than it saves, see
	// docs/decisions/0015.
	s.client = influxdb.NewClientWithOptions(opts.URL, opts.Token, influxdb.DefaultOptions().
		SetHTTPClient(s.http).SetPrecision(time.Microsecond).SetApplicationName("telltale"))
	s.writes = s.client.WriteAPIBlocking(opts.Org, opts.Bucket)
	s.queries = s.client.QueryAPI(opts.Org)
	return s, nil
}

// Close lets the connections go.
func (s *Store) Close() {
	s.client.Close()
	s.http.CloseIdleConnections()
}

// Position is [history.Store]'s.
func (s *Store) Position(ctx context.Context, partition int) (uint64, error) {
	return s.ledger.Position(ctx, partition)
}

// Write stores the readings of the chunks, each partition beside the others,
// then moves the positions. See [history.Store]; in [history.Written] Stored
// counts repeated readings too, for InfluxDB does not tell.
func (s *Store) Write(ctx context.Context, chunks []history.Chunk) (history.Written, error) {
	posters := make([]*poster, len(chunks))
	notFinite := make([]int64, len(chunks))
	sent := make([]int64, len(chunks))
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range chunks {
		posters[i] = s.newPoster()
		group.Go(func() error {
			refs, bad := finiteReadings(chunks[i].Reports)
			notFinite[i], sent[i] = bad, int64(len(refs))
			return posters[i].store(groupCtx, refs)
		})
	}
	err := group.Wait()
	s.note(ctx, err)
	if err != nil {
		return history.Written{}, err
	}

	var written history.Written
	var refused []history.Refused
	for i, p := range posters {
		written.NotFinite += notFinite[i]
		written.Refused += p.count
		written.Stored += sent[i] - p.count
		refused = append(refused, p.refused...)
	}
	if err := s.ledger.Advance(ctx, chunks, refused); err != nil {
		return history.Written{}, fmt.Errorf("note what InfluxDB has taken: %w", err)
	}
	return written, nil
}

// Import stores reports from elsewhere, without moving a position: for copies.
// It returns how many readings were stored, and what InfluxDB will never take.
func (s *Store) Import(ctx context.Context, reports []devices.Report) (int64, []history.Refused, error) {
	refs, _ := finiteReadings(reports)
	p := s.newPoster()
	if err := p.store(ctx, refs); err != nil {
		return 0, nil, err
	}
	return int64(len(refs)) - p.count, p.refused, nil
}

func (s *Store) newPoster() *poster {
	return &poster{send: func(ctx context.Context, lines string) error {
		ctx, cancel := context.WithTimeout(ctx, requestLimit)
		defer cancel()
		if err := s.writes.WriteRecord(ctx, lines); err != nil {
			return s.explain(err)
		}
		return nil
	}}
}

// finiteReadings lists the readings that can be drawn and summed up, and
// counts the others.
func finiteReadings(reports []devices.Report) (refs []ref, notFinite int64) {
	n := 0
	for i := range reports {
		n += len(reports[i].Readings)
	}
	refs = make([]ref, 0, n)
	for i := range reports {
		r := &reports[i]
		for j := range r.Readings {
			if v := r.Readings[j].Value; !v.IsLabel() && (math.IsNaN(v.Number) || math.IsInf(v.Number, 0)) {
				notFinite++
				continue
			}
			refs = append(refs, ref{report: r, reading: j})
		}
	}
	return refs, notFinite
}
