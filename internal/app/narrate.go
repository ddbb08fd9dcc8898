package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"telltale/tickets"
	"telltale/tickets/outbox"
	"telltale/tickets/recalls"
)

// narrateEvery is how often the narrator looks for news.
const narrateEvery = 300 * time.Millisecond

// narrate prints what happens, one line an event, until ctx ends.
func (a *App) narrate(ctx context.Context, out io.Writer) error {
	ticker := time.NewTicker(narrateEvery)
	defer ticker.Stop()
	var position int64
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		events, _, err := a.db.EventsAfter(ctx, position, 100)
		if err != nil {
			continue // the gateway's own parts report a database that is away
		}
		for _, event := range events {
			position = event.Position
			if line := tell(event); line != "" {
				fmt.Fprintf(out, "%s  %s\n", time.Now().Format(time.TimeOnly), line)
			}
		}
	}
}

// tell returns an event as a line for people; "" for those that say nothing
// new in a narration.
func tell(event outbox.Event) string {
	var data struct {
		ID         string `json:"id"`
		Subject    any    `json:"subject"`
		CustomerID string `json:"customer_id"`
		Reason     string `json:"reason"`
		ShipmentID string `json:"shipment_id"`
		Lot        string `json:"lot"`
		Verdict    string `json:"verdict"`
	}
	if err := json.Unmarshal(event.Data, &data); err != nil {
		return ""
	}
	switch event.Type {
	case tickets.EventTicketOpened:
		return fmt.Sprintf("ticket %s opened for %s: %v", data.ID, orNobody(data.CustomerID), data.Subject)
	case tickets.EventTicketSolved:
		return fmt.Sprintf("ticket %s solved by itself: %v", data.ID, data.Subject)
	case recalls.EventHoldPlaced:
		return fmt.Sprintf("lot %s of shipment %s on hold", data.Lot, data.ShipmentID)
	case recalls.EventRecallProposed:
		return fmt.Sprintf("recall %s proposed: %s", data.ID, data.Reason)
	case recalls.EventShipmentAssessed:
		return fmt.Sprintf("shipment %s judged: %s", event.Subject, data.Verdict)
	default:
		return ""
	}
}

func orNobody(customer string) string {
	if customer == "" {
		return "nobody (no owner)"
	}
	return customer
}

// printSummary prints what the demonstration has led to.
func (a *App) printSummary(ctx context.Context, out io.Writer) error {
	totals, err := a.db.Totals(ctx)
	if err != nil {
		return err
	}
	messages, err := a.acceptedMessages()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nmessages    %d\nquarantined %d\nalarms      %d\ntickets     %d\nholds       %d\nrecalls     %d\n",
		messages, totals.Quarantined, totals.Alarms, totals.Tickets, totals.Holds, totals.Recalls)
	return nil
}

// acceptedMessages reads how many messages the pipeline took, from its metric.
func (a *App) acceptedMessages() (int64, error) {
	families, err := a.registry.Gather()
	if err != nil {
		return 0, fmt.Errorf("gather metrics: %w", err)
	}
	var total float64
	for _, family := range families {
		if family.GetName() != "telltale_ingest_messages_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			total += metric.GetCounter().GetValue()
		}
	}
	return int64(total), nil
}
