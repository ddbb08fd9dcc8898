package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"telltale/devices"
	"telltale/ingest"
	"telltale/internal/access"
)

// stray refuses messages of devices that are not declared.
func (r *rig) stray(ids ...devices.ID) {
	r.t.Helper()
	for i, id := range ids {
		r.must(r.db.AddQuarantined(r.t.Context(), []ingest.Quarantined{{
			ID: fmt.Sprintf("stray-%d-%s", i, id), Reason: ingest.UnknownDevice, Detail: fmt.Sprintf("device %s is not declared", id),
			Topic: "telltale/" + string(id) + "/telemetry", Payload: []byte(`{"values":{"temperature":4.5,"mode":"eco"}}`),
			ReceivedAt: time.Date(2026, 3, 1, 8, i, 0, 0, time.UTC), Devices: []devices.ID{id},
		}}))
	}
}

func TestUnclaimedDevicesAreListedWithWhatTheySent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.stray("new-1", "new-2", "fridge-1") // the last is declared by now
	items := r.admin(200, "GET", "/api/v1/devices/unclaimed", "").json()["items"].([]any)
	if len(items) != 2 {
		t.Fatalf("%d are listed: %v", len(items), items)
	}
	first := items[0].(map[string]any)
	if got := fmt.Sprintln(first["id"], first["messages"], first["metrics"], first["models"]); got !=
		"new-2 1 [map[name:mode unit: value:eco] map[name:temperature unit: value:4.5]] [map[contradicted:0 fit:0.5 matched:1 missing:0 model:FR-200 unexplained:1]]\n" {
		t.Errorf("listed %s", got)
	}
	if ids := r.admin(200, "GET", "/api/v1/devices/unclaimed?q=NEW-1", "").ids(); fmt.Sprint(ids) != "[new-1]" {
		t.Errorf("found %v", ids)
	}
	one := r.admin(200, "GET", "/api/v1/devices/unclaimed?limit=1", "").json()
	two := r.admin(200, "GET", "/api/v1/devices/unclaimed?limit=1&cursor="+one["next"].(string), "")
	if fmt.Sprint(two.ids()) != "[new-1]" || two.json()["next"] != "" {
		t.Errorf("by pages: %v", two.json())
	}
}

func TestClaimingDeclaresADevice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.stray("new-1", "plant/line-2/sensor")
	got := r.admin(200, "POST", "/api/v1/devices/unclaimed/new-1/claim", `{"model": "FR-200", "customer": "C-2", "site": "Gdynia", "serial": "SN-7"}`).json()
	owner := got["owners"].([]any)[0].(map[string]any)
	if fmt.Sprintln(got["id"], got["model"], got["site"], got["serial"], owner["customer_id"], owner["from"]) !=
		"new-1 FR-200 Gdynia SN-7 C-2 2026-03-01T08:00:00Z\n" {
		t.Errorf("claimed %v", got)
	}
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/new-1/claim", `{"model": "FR-200"}`, 404, "no such"},
		{"/nobody/claim", `{"model": "FR-200"}`, 404, "no such"},
		{"/plant%2Fline-2%2Fsensor/claim", `{"model": "none"}`, 422, "none"},
		{"/plant%2Fline-2%2Fsensor/claim", `{"model": "FR-200", "customer": "C-99"}`, 422, "C-99"},
		{"/plant%2Fline-2%2Fsensor/claim", `{}`, 422, "model"},
		{"/claim", `{"model": "FR-200", "ids": []}`, 422, "ids"},
		{"/claim", `{"model": "FR-200", "ids": ["plant/line-2/sensor", "nobody"]}`, 404, "no such"},
	} {
		if got := r.do(access.Admin, "POST", "/api/v1/devices/unclaimed"+c.path, c.body).problem(c.status); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.path, c.body, got, c.want)
		}
	}
	r.do(access.Support, "POST", "/api/v1/devices/unclaimed/new-1/claim", `{"model": "FR-200"}`).problem(403)
	r.admin(200, "POST", "/api/v1/devices/unclaimed/plant%2Fline-2%2Fsensor/claim", `{"model": "FR-200"}`)
	if ids := r.admin(200, "GET", "/api/v1/devices/unclaimed", "").ids(); len(ids) != 0 {
		t.Errorf("still unclaimed: %v", ids)
	}
}

func TestSeveralAreClaimedFromThePage(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna")
	r.stray("new-1", "new-2", "new-3")
	if text := said(r.visit(anna, http.StatusOK, "/devices/unclaimed")); !strings.Contains(text, "new-3") || !strings.Contains(text, "temperature 4.5") {
		t.Errorf("the page says %s", text)
	}
	if text := said(r.visit(r.as("vera"), http.StatusOK, "/devices/unclaimed")); strings.Contains(text, "Claim the ticked") {
		t.Error("somebody may claim who may not declare")
	}
	model := func(ids ...string) url.Values { return url.Values{"model": {"FR-200"}, "id": ids} }
	if page := r.press(anna, http.StatusUnprocessableEntity, "/devices/unclaimed", url.Values{"model": {"FR-200"}}); !strings.Contains(said(string(page.body)), "Tick the devices to claim") {
		t.Error("nobody is told to tick")
	}
	wrong := url.Values{"id": {"new-1", "new-3"}, "model": {"FR-200"}, "customer": {"C-9999"}, "site": {"Hall 2"}}
	page := string(r.press(anna, http.StatusUnprocessableEntity, "/devices/unclaimed?q=new", wrong).body)
	if text := said(page); strings.Count(text, "There is no Customer C-9999.") != 1 {
		t.Errorf("the refusal says %s", text)
	}
	for _, kept := range []string{`value="C-9999"`, `value="Hall 2"`, `<option selected>FR-200`, `value="new-1" checked`, `value="new-3" checked`, `name="q" value="new"`} {
		if !strings.Contains(page, kept) {
			t.Errorf("the refused form has lost %s", kept)
		}
	}
	if strings.Contains(page, `value="new-2" checked`) {
		t.Error("a device is ticked that nobody ticked")
	}
	r.press(r.as("vera"), http.StatusForbidden, "/devices/unclaimed", model("new-1"))
	r.press(anna, http.StatusSeeOther, "/devices/unclaimed", model("new-1", "new-2"))
	r.press(anna, http.StatusSeeOther, "/devices/unclaimed", model("new-3"))
	if n, err := r.db.CountUnclaimed(t.Context()); n != 1 || err != nil { // the story has one of its own
		t.Errorf("%d are unclaimed, %v", n, err)
	}
}
