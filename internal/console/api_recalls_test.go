package console

import (
	"fmt"
	"slices"
	"testing"

	"telltale/internal/access"
)

func TestARecallIsProposedSignedByTwoAnsweredAndClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	quality := func(want int, path, body string) answer {
		t.Helper()
		a := r.do(access.Quality, "POST", path, body)
		if a.status != want {
			t.Fatalf("POST %s: status %d, want %d: %s", path, a.status, want, a.body)
		}
		return a
	}
	recall := quality(201, "/api/v1/recalls", `{"class": "II", "reason": "seal broken", "shipment_ids": ["S-1"]}`).json()
	for _, field := range []string{
		"id", "number", "status", "class", "reason", "shipment_ids", "lots", "items", "signatures",
	} {
		if _, ok := recall[field]; !ok {
			t.Errorf("field %s is missing", field)
		}
	}
	if recall["status"] != "proposed" || len(recall["items"].([]any)) != 2 {
		t.Errorf("recall %v", recall)
	}
	quality(409, "/api/v1/recalls", `{"reason": "again", "shipment_ids": ["S-1"]}`)

	path := "/api/v1/recalls/" + recall["id"].(string)
	if got := quality(200, path+"/approve", `{"comment": "seen the photos"}`).json()["status"]; got != "proposed" {
		t.Errorf("one signature made it %v", got)
	}
	quality(409, path+"/approve", "") // the same person again
	approved := r.admin(200, "POST", path+"/approve", "").json()
	if approved["status"] == "proposed" || len(approved["signatures"].([]any)) != 2 {
		t.Errorf("after two signatures: %v", approved)
	}
	quality(409, path+"/close", "") // nobody has answered, and no reason is given

	for _, item := range approved["items"].([]any) {
		i := item.(map[string]any)
		quality(200, path+"/answers", fmt.Sprintf(`{"item": %v, "returned": %v, "destroyed": 0, "used": 0}`, i["id"], i["quantity"]))
	}
	if got := quality(200, path+"/close", "").json()["status"]; got != "closed" {
		t.Errorf("closed is %v", got)
	}
	if got := r.admin(200, "GET", "/api/v1/recalls?status=closed&shipment=S-1", "").ids(); !slices.Equal(got, []string{recall["id"].(string)}) {
		t.Errorf("closed recalls %v", got)
	}
}

func TestAShipmentShowsItsAssessment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	shipment := r.admin(200, "GET", "/api/v1/shipments/S-1", "").json()
	if shipment["verdict"] != "unknown" || len(shipment["consignees"].([]any)) != 2 || shipment["arrived_at"] != nil {
		t.Errorf("shipment %v", shipment)
	}
	if got := r.admin(200, "GET", "/api/v1/shipments?verdict=unknown&customer=C-2&device=fridge-2&lot=A17", "").ids(); !slices.Equal(got, []string{"S-1"}) {
		t.Errorf("shipments %v", got)
	}
	assessment := r.admin(200, "GET", "/api/v1/shipments/S-1/assessment", "").json()
	for _, field := range []string{
		"verdict", "excursions", "budgets", "seconds_outside", "mkt", "gaps", "trace_points", "computed_at", "data_until",
	} {
		if _, ok := assessment[field]; !ok {
			t.Errorf("field %s is missing", field)
		}
	}
	if assessment["verdict"] != "unknown" {
		t.Errorf("without data the verdict is %v", assessment["verdict"])
	}
}
