package declare

import (
	"fmt"
	"slices"
)

// Kind is the first key of every declaration.
type Kind string

// Kinds of declarations, as written in files.
const (
	KindModel    Kind = "Model"
	KindCustomer Kind = "Customer"
	KindDevice   Kind = "Device"
	KindProfile  Kind = "StorageProfile"
	KindShipment Kind = "Shipment"
	KindRule     Kind = "Rule"

	KindMaintenance Kind = "Maintenance"
	KindArticle     Kind = "Article"
)

// Kinds lists all kinds, each after those it refers to.
func Kinds() []Kind {
	return []Kind{KindArticle, KindModel, KindCustomer, KindDevice, KindProfile, KindShipment, KindRule, KindMaintenance}
}

// ParseKind reads a kind's name. The error suggests the nearest one.
func ParseKind(word string) (Kind, error) {
	if kind := Kind(word); slices.Contains(Kinds(), kind) {
		return kind, nil
	}
	return "", fmt.Errorf("unknown kind %q%s", word, suggestion(word, kindNames()))
}

func kindNames() []string {
	var names []string
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return names
}

// Ref names one declaration.
type Ref struct {
	Kind Kind
	ID   string
}

// String returns "Device fridge-17".
func (r Ref) String() string { return string(r.Kind) + " " + r.ID }
