package ingest

import (
	"context"
	"fmt"

	"telltale/devices"
)

// Rejection says why a report of an import is not, or not wholly, stored.
type Rejection struct {
	Index  int // of the report
	Detail string
}

// Import gives the log reports that come out of a file instead of a message:
// they are checked like any others, and those that are believed are synced to
// disk when it returns without an error. What is not believed is returned and
// not quarantined, for whoever imports has the file. Doing it twice stores the
// same readings at the same times, which readers of the log take for one.
// Import changes reports.
func (p *Pipeline) Import(ctx context.Context, reports []devices.Report) ([]Rejection, error) {
	kept, rejections := p.believe(reports)
	if len(kept) == 0 {
		return rejections, nil
	}
	result := make(chan error, 1)
	it := &pending{messages: 1, reports: kept, sender: callback(func(err error) { result <- err })}
	if err := p.submit(ctx, it); err != nil {
		return nil, fmt.Errorf("import %d reports: %w", len(kept), err)
	}
	select {
	case err := <-result:
		return rejections, err
	case <-ctx.Done():
		return nil, fmt.Errorf("import %d reports: %w", len(kept), ctx.Err())
	}
}

// WouldImport says what Import would reject, and stores nothing.
func (p *Pipeline) WouldImport(reports []devices.Report) []Rejection {
	_, rejections := p.believe(reports)
	return rejections
}

// believe checks reports one by one, so that it can say of each what is wrong.
func (p *Pipeline) believe(reports []devices.Report) (kept []devices.Report, rejections []Rejection) {
	view := p.currentView()
	for i := range reports {
		believed, complaints := view.check(reports[i:i+1:i+1], Clock{})
		for _, c := range complaints {
			rejections = append(rejections, Rejection{Index: i, Detail: c.sentence()})
		}
		if len(believed) > 0 && len(believed[0].Readings) > 0 {
			kept = append(kept, believed[0])
		}
	}
	return kept, rejections
}
