package recalls

import "time"

// View is a recall as the REST interface and the events show it.
type View struct {
	ID          string          `json:"id"`
	Number      int64           `json:"number"`
	Status      Status          `json:"status" enum:"proposed,approved,rejected,executing,closed"`
	Class       string          `json:"class" doc:"proposed class I, II or III; the authority assigns it"`
	Reason      string          `json:"reason"`
	ShipmentIDs []string        `json:"shipment_ids"`
	Lots        []LotView       `json:"lots"`
	Items       []ItemView      `json:"items"`
	Signatures  []SignatureView `json:"signatures"`
	Quantity    int64           `json:"quantity" doc:"units to take back"`
	Unaccounted int64           `json:"unaccounted" doc:"units nobody has spoken for"`
	ProposedAt  time.Time       `json:"proposed_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	ClosedAt    *time.Time      `json:"closed_at" doc:"when it was closed or rejected"`
	Explanation []string        `json:"explanation"`
}

// LotView is a lot as it is shown.
type LotView struct {
	GTIN string `json:"gtin"`
	Lot  string `json:"lot"`
}

// ItemView is an [Item] as it is shown.
type ItemView struct {
	ID          int64      `json:"id"`
	CustomerID  string     `json:"customer_id"`
	ShipmentID  string     `json:"shipment_id"`
	GTIN        string     `json:"gtin"`
	Lot         string     `json:"lot"`
	Quantity    int64      `json:"quantity"`
	Notice      string     `json:"notice" enum:"pending,sent,delivered,failed"`
	AnsweredAt  *time.Time `json:"answered_at"`
	Returned    int64      `json:"returned"`
	Destroyed   int64      `json:"destroyed"`
	Used        int64      `json:"used"`
	Unaccounted int64      `json:"unaccounted"`
}

// SignatureView is a [Signature] as it is shown.
type SignatureView struct {
	Person  string    `json:"person"`
	Meaning string    `json:"meaning" enum:"approved,rejected,closed"`
	Comment string    `json:"comment"`
	At      time.Time `json:"at"`
}

// HoldView is a [Hold] as the REST interface and the events show it.
type HoldView struct {
	ID            string     `json:"id"`
	ShipmentID    string     `json:"shipment_id"`
	GTIN          string     `json:"gtin"`
	Lot           string     `json:"lot"`
	Reason        string     `json:"reason"`
	PlacedAt      time.Time  `json:"placed_at"`
	ReleasedAt    *time.Time `json:"released_at" doc:"null: in force"`
	ReleasedBy    string     `json:"released_by"`
	ReleaseReason string     `json:"release_reason"`
}

// View returns r as it is shown. Lists are never null.
func (r *Recall) View() View {
	balance := r.Balance()
	v := View{
		ID: r.ID, Number: r.Number, Status: r.Status, Class: r.Class, Reason: r.Reason,
		ShipmentIDs: append([]string{}, r.ShipmentIDs...),
		Lots:        make([]LotView, len(r.Lots)),
		Items:       make([]ItemView, len(r.Items)),
		Signatures:  make([]SignatureView, len(r.Signatures)),
		Quantity:    balance.Quantity, Unaccounted: balance.Unaccounted,
		ProposedAt: r.ProposedAt, UpdatedAt: r.UpdatedAt, ClosedAt: orNull(r.ClosedAt),
		Explanation: append([]string{}, r.Explanation...),
	}
	for i, l := range r.Lots {
		v.Lots[i] = LotView(l)
	}
	for i := range r.Items {
		v.Items[i] = r.Items[i].view()
	}
	for i, s := range r.Signatures {
		v.Signatures[i] = SignatureView(s)
	}
	return v
}

func (it *Item) view() ItemView {
	return ItemView{
		ID: it.ID, CustomerID: it.CustomerID, ShipmentID: it.ShipmentID, GTIN: it.GTIN, Lot: it.Lot,
		Quantity: it.Quantity, Notice: it.Notice, AnsweredAt: orNull(it.AnsweredAt),
		Returned: it.Returned, Destroyed: it.Destroyed, Used: it.Used, Unaccounted: it.Unaccounted(),
	}
}

// View returns h as it is shown.
func (h *Hold) View() HoldView {
	return HoldView{
		ID: h.ID, ShipmentID: h.ShipmentID, GTIN: h.GTIN, Lot: h.Lot, Reason: h.Reason,
		PlacedAt: h.PlacedAt, ReleasedAt: orNull(h.ReleasedAt), ReleasedBy: h.ReleasedBy,
		ReleaseReason: h.ReleaseReason,
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
