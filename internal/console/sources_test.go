package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/access"
)

// bench tries payloads with the rig's declarations, without scripts.
type bench struct{ r *rig }

func newBench(r *rig) Sources { return bench{r} }

func (b bench) configured() []codec.Source {
	return []codec.Source{{Name: "lora", Filter: "application/+/device/+/event/up", Codec: "chirpstack"}}
}

func (b bench) Sources() []codec.Source { return append(codec.BuiltIn(), b.configured()...) }

func (b bench) Try(ctx context.Context, q ingest.TrialRequest) (ingest.Trial, error) {
	directory, err := b.r.db.LoadDirectory(ctx)
	if err != nil {
		return ingest.Trial{}, err
	}
	q.ReceivedAt = time.Now()
	return ingest.Bench{
		Sources: b.configured(), Directory: directory,
		RunScript: func(string, codec.Frame) ([]byte, error) { return []byte(`{"temperature":4.5}`), nil },
	}.Try(q)
}

func TestSourcesAreListed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(access.Viewer, "GET", "/api/v1/sources", "")
	items, _ := a.json()["items"].([]any)
	if a.status != http.StatusOK || len(items) != 3 || !strings.Contains(string(a.body),
		`{"name":"lora","filter":"application/+/device/+/event/up","codec":"chirpstack","device":""}`) {
		t.Errorf("status %d: %s", a.status, a.body)
	}
}

func TestAPayloadIsTriedThroughTheAPI(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct{ name, body, want string }{
		{"readings in the model's units", `{"topic":"telltale/fridge-1/telemetry","payload":"{\"ts\":\"2026-03-01T12:00:00Z\",\"values\":{\"temperature\":4.5,\"mode\":\"eco\"}}"}`,
			`"reports":[{"device":"fridge-1","observed_at":"2026-03-01T12:00:00Z","readings":[{"metric":"temperature","value":4.5,"unit":"Cel"},{"metric":"mode","value":"eco"}]}],"refusals":[]`},
		{"what would be refused, with its place", `{"source":"telltale/+/telemetry","payload":"{\"ts\":true}"}`,
			`"reports":[],"refusals":[{"reason":"malformed","detail":"ts: must be `},
		{"a device that nobody declared", `{"topic":"telltale/fridge-9/telemetry","payload_base64":"eyJ2YWx1ZXMiOnsidCI6MX19"}`,
			`"refused":"unknown_device","readings":[{"metric":"t","value":1}]}],"refusals":[{"reason":"unknown_device","detail":"device fridge-9 is not declared"}]`},
		{"a value that the model cannot measure", `{"topic":"telltale/fridge-1/telemetry","payload":"{\"values\":{\"temperature\":900}}"}`,
			`"readings":[]}],"refusals":[{"reason":"impossible_value","detail":"device fridge-1 says temperature is 900, above the 80 that its model can measure"}]`},
		{"a bare frame", `{"payload_base64":"AQ==","f_port":5,"script":"x"}`, `"readings":[{"metric":"temperature","value":4.5}]`},
		{"a frame within a message", `{"source":"lora","payload":"{\"deviceInfo\":{\"devEui\":\"fridge-1\"},\"data\":\"AQ==\"}","script":"x"}`,
			`"readings":[{"metric":"temperature","value":4.5,"unit":"Cel"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.admin(http.StatusOK, "POST", "/api/v1/codecs/try", c.body)
			if !strings.Contains(string(a.body), c.want) {
				t.Errorf("got  %s\nwant ...%s", a.body, c.want)
			}
		})
	}
	for _, body := range []string{
		`{"payload":"{}"}`, `{"source":"nope","payload":"{}"}`, `{"topic":"x/y","payload":"{}"}`, `{"source":"lora","payload":"a","payload_base64":"YQ=="}`,
		`{"payload":"a","f_port":5}`, `{"payload":"a","f_port":256,"script":"x"}`, `{"source":"lora","payload_base64":"?"}`,
	} {
		r.admin(http.StatusUnprocessableEntity, "POST", "/api/v1/codecs/try", body)
	}
	r.do(access.Support, "POST", "/api/v1/codecs/try", `{"source":"lora","payload":"{}"}`).problem(http.StatusForbidden)
}

func TestAPayloadIsTriedOnThePage(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	anna := r.as("anna") // an admin
	page := r.visit(anna, http.StatusOK, "/sources?source=lora")
	for _, want := range []string{"application/&#43;/device/&#43;/event/up", `<option value="lora" selected>`, "Try a payload"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	page = string(r.press(anna, http.StatusOK, "/sources/try", url.Values{"topic": {"telltale/fridge-04/telemetry"}, "payload": {`{"values":{"temperature":4.5}}`}}).body)
	if !strings.Contains(page, "Would be stored") || !strings.Contains(page, "4.5") {
		t.Errorf("got %s", said(page))
	}
	page = string(r.press(anna, http.StatusOK, "/sources/try", url.Values{"source": {"lora"}, "payload": {`{"a":"<script>","fPort":"x"}`}}).body)
	if want := `{&#34;a&#34;:&#34;&lt;script&gt;&#34;,&#34;fPort&#34;:<mark class="fault">&#34;</mark>x&#34;}`; !strings.Contains(page, want) {
		t.Errorf("the fault is not marked: %s", page)
	}
	page = string(r.press(anna, http.StatusOK, "/sources/try", url.Values{"source": {"lora"}, "written": {"hex"}, "payload": {"ff 00"}}).body)
	if !strings.Contains(page, `<mark class="fault">ff</mark>`) {
		t.Errorf("the fault in bytes is not marked: %s", said(page))
	}
	for name, form := range map[string]url.Values{
		"half a byte":             {"source": {"lora"}, "written": {"hex"}, "payload": {"f"}},
		"an unknown source":       {"source": {"nope"}, "payload": {"{}"}},
		"nothing":                 {},
		"a port that is none":     {"port": {"x"}, "script": {"y"}, "payload": {"{}"}},
		"a port without a script": {"port": {"1"}, "payload": {"{}"}},
	} {
		if page := string(r.press(anna, http.StatusUnprocessableEntity, "/sources/try", form).body); !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s: %s", name, said(page))
		}
	}
	vera := r.as("vera") // a viewer
	if page := r.visit(vera, http.StatusOK, "/sources"); strings.Contains(page, "Try a payload") {
		t.Error("a viewer is offered to try payloads")
	}
	r.press(vera, http.StatusForbidden, "/sources/try", url.Values{"source": {"lora"}, "payload": {"{}"}})
}
