package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/devices/shipments"
	"telltale/internal/access"
	"telltale/rules/excursion"
	"telltale/tickets/recalls"
)

// shipmentView is a shipment as the API shows it.
type shipmentView struct {
	ID         string            `json:"id"`
	Carrier    string            `json:"carrier"`
	Profile    string            `json:"profile"`
	DepartedAt time.Time         `json:"departed_at"`
	ArrivedAt  *time.Time        `json:"arrived_at" doc:"null: under way"`
	Loggers    []loggerView      `json:"loggers"`
	Lots       []shipmentLotView `json:"lots"`
	Consignees []consigneeView   `json:"consignees"`
	Verdict    shipments.Verdict `json:"verdict" enum:"ok,unknown,review,reject" doc:"of the last assessment; unknown before the first"`
	AssessedAt *time.Time        `json:"assessed_at" doc:"null: never"`
	LotsHeld   int               `json:"lots_held"`
	RecallIDs  []string          `json:"recall_ids"`
}

type loggerView struct {
	DeviceID string     `json:"device_id"`
	Metric   string     `json:"metric"`
	From     time.Time  `json:"from"`
	Until    *time.Time `json:"until" doc:"null: still"`
}

type shipmentLotView struct {
	GTIN     string `json:"gtin"`
	Lot      string `json:"lot"`
	Quantity int64  `json:"quantity"`
	Unit     string `json:"unit"`
}

type consigneeView struct {
	CustomerID string `json:"customer_id"`
	Lot        string `json:"lot"`
	Quantity   int64  `json:"quantity"`
}

func showShipment(s recalls.Summary) shipmentView {
	v := shipmentView{
		ID: s.ID, Carrier: s.Carrier, Profile: s.Profile, DepartedAt: s.DepartedAt, ArrivedAt: orNull(s.ArrivedAt),
		Loggers: make([]loggerView, len(s.Loggers)), Lots: make([]shipmentLotView, len(s.Lots)),
		Consignees: make([]consigneeView, len(s.Consignees)),
		Verdict:    s.Verdict, AssessedAt: orNull(s.AssessedAt), LotsHeld: s.Held, RecallIDs: orEmpty(s.Recalls),
	}
	for i, l := range s.Loggers {
		v.Loggers[i] = loggerView{DeviceID: string(l.Device), Metric: l.Metric, From: l.From, Until: orNull(l.Until)}
	}
	for i, l := range s.Lots {
		v.Lots[i] = shipmentLotView(l)
	}
	for i, c := range s.Consignees {
		v.Consignees[i] = consigneeView{CustomerID: c.Customer, Lot: c.Lot, Quantity: c.Quantity}
	}
	return v
}

type shipmentAnswer struct{ Body shipmentView }

type assessmentAnswer struct{ Body excursion.View }

type shipmentListInput struct {
	Stretch
	Verdict  string `query:"verdict" enum:"ok,unknown,review,reject"`
	Customer string `query:"customer" doc:"a consignee"`
	Lot      string `query:"lot" doc:"lot number"`
	Device   string `query:"device" doc:"a logger"`
}

func (s *rest) registerShipments() {
	tags := []string{"shipments"}
	route(s, huma.Operation{
		OperationID: "list-shipments", Method: http.MethodGet, Path: "/shipments", Tags: tags,
		Summary: "Shipments with their last verdict, the latest departure first",
	}, access.Read, s.listShipments)
	route(s, huma.Operation{
		OperationID: "get-shipment", Method: http.MethodGet, Path: "/shipments/{id}", Tags: tags, Summary: "One shipment",
	}, access.Read, func(ctx context.Context, in *idInput) (*shipmentAnswer, error) {
		found, err := s.deps.Shipments.Shipment(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &shipmentAnswer{Body: showShipment(*found)}, nil
	})
	route(s, huma.Operation{
		OperationID: "get-assessment", Method: http.MethodGet, Path: "/shipments/{id}/assessment", Tags: tags,
		Summary: "Judge a shipment's whole trace as of now; changes nothing",
	}, access.Read, func(ctx context.Context, in *idInput) (*assessmentAnswer, error) {
		a, err := recalls.Assess(ctx, s.deps.Shipments, in.ID, s.now())
		if err != nil {
			return nil, err
		}
		return &assessmentAnswer{Body: a.View()}, nil
	})
}

func (s *rest) listShipments(ctx context.Context, in *shipmentListInput) (*list[shipmentView], error) {
	key, err := parseCursor("shipments", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := recalls.ShipmentQuery{
		Verdict: shipments.Verdict(in.Verdict), Customer: in.Customer, Lot: in.Lot,
		Device: devices.ID(in.Device), Limit: in.Limit + 1,
	}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.Shipments.ListShipments(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("shipments", rows, in.Limit, showShipment,
		func(s recalls.Summary) []string { return []string{s.ID} }), nil
}
