package shipments

import (
	"fmt"
	"time"

	"telltale/devices"
)

// Shipment is goods on their way, watched by loggers.
type Shipment struct {
	ID         string
	Carrier    string
	Profile    string // StorageProfile.ID
	Loggers    []Logger
	Legs       []Leg
	DepartedAt time.Time
	ArrivedAt  time.Time // zero: still under way
	Lots       []Lot
	Consignees []Consignee
}

// Logger says that a device travelled with the shipment during [From, Until).
type Logger struct {
	Device devices.ID
	Metric string // the metric that is the product temperature; default "temperature"
	From   time.Time
	Until  time.Time // zero: still
}

// Watches reports whether t is inside the logger's time with the shipment.
func (l Logger) Watches(t time.Time) bool {
	return !t.Before(l.From) && (l.Until.IsZero() || t.Before(l.Until))
}

// Leg is one stretch of the way in one carrier's hands.
type Leg struct {
	Name  string
	From  time.Time
	Until time.Time
}

// Lot is a production batch, or the part of it that travels here.
type Lot struct {
	GTIN     string // GS1 global trade item number, 8 to 14 digits
	Lot      string // batch number
	Quantity int64
	Unit     string
}

// Key names the lot across shipments.
func (l Lot) Key() LotKey { return LotKey{GTIN: l.GTIN, Lot: l.Lot} }

// LotKey is GTIN and lot number, which together name a batch (GS1 AI 01, 10).
type LotKey struct{ GTIN, Lot string }

// String returns the GS1 element string in its readable form.
func (k LotKey) String() string { return fmt.Sprintf("(01)%s(10)%s", k.GTIN, k.Lot) }

// Consignee is who receives which part of a lot.
type Consignee struct {
	Customer string
	Lot      string // Lot.Lot
	Quantity int64
}
