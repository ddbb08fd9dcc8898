package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"telltale/internal/views"
	"telltale/tickets/recalls"
)

// shipmentAtRisk selects what a quality lead has to look at.
const shipmentAtRisk = `(s.verdict in ('review', 'reject')
	or exists (select from holds h where h.shipment_id = s.id and h.released_at is null))`

// shipmentRank orders the shipments of the given alias by the gravity of
// their verdict.
func shipmentRank(alias string) string {
	return `(case ` + alias + `.verdict when 'reject' then 4 when 'review' then 3 when 'unknown' then 2 else 1 end)`
}

// ShipmentRows returns shipments, the gravest verdict first, then the latest
// to depart.
func (db *DB) ShipmentRows(ctx context.Context, q views.ShipmentQuery) (views.Page[recalls.Summary], error) {
	limit := cmp.Or(q.Limit, views.DefaultLimit)
	rows, err := db.q.Query(ctx, `
		select `+summaryColumns+` from shipments s
		left join shipments p on p.id = @after
		where (p.id is null or (`+shipmentRank("s")+`, s.departed_at, s.id) < (`+shipmentRank("p")+`, p.departed_at, p.id))
		  and (@verdict = '' or s.verdict = @verdict)
		  and (not @at_risk::boolean or `+shipmentAtRisk+`)
		  and (not @moving::boolean or s.arrived_at is null)
		  and (@text = '%%' or s.id ilike @text or s.carrier ilike @text
		       or exists (select from shipment_lots l where l.shipment_id = s.id and (l.lot ilike @text or l.gtin ilike @text))
		       or exists (select from shipment_consignees c join customers u on u.id = c.customer_id
		                  where c.shipment_id = s.id and u.name ilike @text))
		order by `+shipmentRank("s")+` desc, s.departed_at desc, s.id desc
		limit @limit`,
		pgx.NamedArgs{
			"verdict": string(q.Verdict), "at_risk": q.AtRisk, "moving": q.Moving,
			"text": contains(q.Text), "after": q.After, "limit": limit + 1,
		})
	if err != nil {
		return views.Page[recalls.Summary]{}, fmt.Errorf("list shipments: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanSummary)
	if err != nil {
		return views.Page[recalls.Summary]{}, fmt.Errorf("list shipments: %w", err)
	}
	return pageOf(all, limit, func(s recalls.Summary) string { return s.ID }), nil
}
