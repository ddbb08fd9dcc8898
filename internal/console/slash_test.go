package console

import (
	"net/http"
	"strings"
	"testing"
)

// TestIDsWithSlashesHaveTheirOwnAddresses follows the links that pages have to
// a device behind an edge node.
func TestIDsWithSlashesHaveTheirOwnAddresses(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, Options{}, fixture+`---
kind: Device
id: Plant/Line:201/oven
model: FR-200
owners: [{customer: C-1, from: 2026-01-01T00:00:00Z}]
`)
	const id, address = "Plant/Line:201/oven", "/devices/Plant%2FLine:201%2Foven"
	if got := r.admin(http.StatusOK, "GET", "/api/v1"+address, "").json()["id"]; got != id {
		t.Errorf("the API has %v at its address", got)
	}
	r.admin(http.StatusOK, "GET", "/api/v1"+address+"/readings?metric=temperature", "")
	r.admin(http.StatusNotFound, "GET", "/api/v1/devices/Plant%2FLine:201", "")
	r.admin(http.StatusNotFound, "GET", "/api/v1/devices/"+id, "")

	c := r.as("anna")
	for _, page := range []string{"/devices", "/customers/C-1"} {
		if body := r.visit(c, http.StatusOK, page); !strings.Contains(body, `href="`+address+`"`) {
			t.Errorf("%s has no link to %s", page, address)
		}
	}
	if body := r.visit(c, http.StatusOK, address); !strings.Contains(body, "<h1>"+id) && !strings.Contains(body, id+"</h1>") {
		t.Errorf("the device's page does not name it")
	}
	r.visit(c, http.StatusOK, "/charts"+strings.Replace(address, "devices", "device", 1)+"?metric=temperature&range=1h")
}
