package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/devices"
	"telltale/ingest/codec/sparkplug"
)

// plant is a Sparkplug codec with what it asks for and remembers.
type plant struct {
	t      *testing.T
	codec  *Sparkplug
	now    time.Time
	asked  []string // topics of NCMDs
	births []Birth
}

func newPlant(t *testing.T, births ...Birth) *plant {
	t.Helper()
	p := &plant{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	p.codec, err = NewSparkplug("spBv1.0/#", Options{
		Births:    births,
		KeepBirth: func(b Birth) { p.births = append(p.births, b) },
		Publish: func(topic string, payload []byte) {
			if request, err := sparkplug.Parse(payload); err != nil || len(request.Metrics) != 1 || request.Metrics[0].Name != "Node Control/Rebirth" {
				t.Errorf("asked with %x", payload)
			}
			p.asked = append(p.asked, topic)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hear decodes a message one second after the last.
func (p *plant) hear(topic string, body []byte) ([]devices.Report, error) {
	p.now = p.now.Add(time.Second)
	return p.codec.Decode(nil, Payload{Topic: topic, Body: body, ReceivedAt: p.now})
}

// told is hear for a message that must be readable, in short: see [brief].
func (p *plant) told(topic string, body []byte) []string {
	p.t.Helper()
	reports, err := p.hear(topic, body)
	if err != nil {
		p.t.Fatalf("%s: %v", topic, err)
	}
	return brief(reports)
}

func (p *plant) wantUnborn(topic string, body []byte) {
	p.t.Helper()
	if _, err := p.hear(topic, body); !errors.Is(err, ErrUnborn) {
		p.t.Errorf("%s: got %v, want unborn", topic, err)
	}
}

func (p *plant) want(topic string, body []byte, want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.told(topic, body)); diff != "" {
		p.t.Errorf("%s (-want +got):\n%s", topic, diff)
	}
}

// brief writes reports as "device: presence" and "device: metric=value ...".
func brief(reports []devices.Report) []string {
	var lines []string
	for _, r := range reports {
		line := string(r.Device) + ":"
		if r.Presence != devices.PresenceUnknown {
			line += " " + r.Presence.String()
		}
		for _, reading := range r.Readings {
			line += fmt.Sprintf(" %s=%s", reading.Metric, reading.Value)
		}
		lines = append(lines, line)
	}
	return lines
}

// vectors are the payloads of shared/data/sparkplug, by name.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("../../../shared/data/sparkplug/payloads.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name    string
		Base64  []byte
		Metrics int
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string][]byte, len(list))
	for _, v := range list {
		p, err := sparkplug.Parse(v.Base64)
		if err != nil || len(p.Metrics) != v.Metrics {
			t.Fatalf("%s: %d metrics, want %d (%v)", v.Name, len(p.Metrics), v.Metrics, err)
		}
		byName[v.Name] = v.Base64
	}
	return byName
}

const (
	nbirth = "spBv1.0/Plant/NBIRTH/Line 1"
	ndata  = "spBv1.0/Plant/NDATA/Line 1"
	ndeath = "spBv1.0/Plant/NDEATH/Line 1"
	ncmd   = "spBv1.0/Plant/NCMD/Line 1"
	dbirth = "spBv1.0/Plant/DBIRTH/Line 1/oven"
	ddata  = "spBv1.0/Plant/DDATA/Line 1/oven"
	ddeath = "spBv1.0/Plant/DDEATH/Line 1/oven"

	line = "Plant/Line:201"
	oven = "Plant/Line:201/oven"
)

func TestVectorsOfANodesLife(t *testing.T) {
	t.Parallel()
	v := vectors(t)
	p := newPlant(t)
	p.wantUnborn(ndata, v["NDATA_BEFORE_BIRTH"])
	p.want(nbirth, v["NBIRTH_V1"], line+": online", line+": Temperature=21.5")
	p.want(ndata, v["NDATA_V1"], line+": Temperature=22.5")
	p.want(ndata, v["NDATA_GAP"], line+": Temperature=27")
	p.want(ndeath, v["NDEATH_V1"]) // of session 0, while the birth is of session 88
	p.want(ndeath, message1(0, session(88)), line+": offline")
	p.want(ndata, v["NDATA_V1"], line+": Temperature=22.5") // it came before the death already
	p.wantUnborn(ndata, message1(9, alias(1, 23)))
	p.want(nbirth, v["NBIRTH_V1"], line+": online", line+": Temperature=21.5")
	if diff := cmp.Diff([]string{ncmd}, p.asked); diff != "" {
		t.Errorf("asked for births (-want +got):\n%s", diff)
	}
}

func TestDeathOfANodeThatNobodyKnows(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.want(ndeath, vectors(t)["NDEATH_V1"], line+": offline")
	if len(p.asked)+len(p.births) != 0 {
		t.Errorf("asked %q, kept %d births", p.asked, len(p.births))
	}
}

func TestVectorOfManyMetrics(t *testing.T) {
	t.Parallel()
	reports, err := newPlant(t).hear(nbirth, vectors(t)["NBIRTH_LARGE"])
	if err != nil || len(reports) != 2 {
		t.Fatalf("%d reports, want presence and readings (%v)", len(reports), err)
	}
	readings := reports[1].Readings
	if len(readings) != 100 {
		t.Fatalf("%d readings, want 100", len(readings))
	}
	for i, r := range readings {
		if want := fmt.Sprintf("Metric_%d", i+1); r.Metric != want || r.Value != devices.Number(1.5*float64(i+1)) {
			t.Errorf("reading %d is %s = %s", i, r.Metric, r.Value)
		}
	}
}

func TestSequenceGoesAround(t *testing.T) {
	t.Parallel()
	v := vectors(t)
	p := newPlant(t)
	p.told(nbirth, v["NBIRTH_V1"])
	for seq := uint64(1); seq <= 255; seq++ {
		p.told(ndata, message1(seq, alias(100, float64(seq))))
	}
	p.want(ndata, v["NDATA_WRAPAROUND"], line+": Temperature=30")
	if len(p.asked) != 0 {
		t.Errorf("asked for births %q, though nothing was missing", p.asked)
	}
}

func ptr(n uint64) *uint64 { return &n }

// named is a metric of a birth, alias one of data.
func named(name string, a uint64, f float64) sparkplug.Metric {
	return sparkplug.Metric{Name: name, Alias: ptr(a), Type: sparkplug.Double, Value: sparkplug.DoubleValue(f)}
}

func alias(a uint64, f float64) sparkplug.Metric {
	return sparkplug.Metric{Alias: ptr(a), Value: sparkplug.DoubleValue(f)}
}

func session(n int64) sparkplug.Metric {
	return sparkplug.Metric{Name: "bdSeq", Type: sparkplug.Int64, Value: sparkplug.LongValue(n)}
}

func message1(seq uint64, metrics ...sparkplug.Metric) []byte {
	p := sparkplug.Payload{Seq: seq, Metrics: metrics}
	return p.Append(nil)
}

func TestDevicesBehindANode(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.wantUnborn(dbirth, message1(1, named("Temp", 7, 180)))
	p.want(nbirth, message1(0, session(1), named("Load", 1, 0.5)), line+": online", line+": Load=0.5")
	p.wantUnborn(ddata, message1(1, alias(1, 2))) // the alias is the node's
	p.want(dbirth, message1(2, named("Inputs/Temp 1", 7, 180)), oven+": online", oven+": Inputs_Temp_1=180")
	p.want(ddata, message1(3, alias(7, 181)), oven+": Inputs_Temp_1=181")
	p.want(ddata, message1(4, sparkplug.Metric{Name: "Inputs/Temp 1", Value: sparkplug.DoubleValue(182)}), oven+": Inputs_Temp_1=182")
	p.want(ndata, message1(5, alias(1, 0.7)), line+": Load=0.7")
	p.want(ddeath, message1(6), oven+": offline")
	p.wantUnborn(ddata, message1(7, alias(7, 183)))
	p.want(dbirth, message1(8, named("Inputs/Temp 1", 7, 20)), oven+": online", oven+": Inputs_Temp_1=20")
	p.want(ndeath, message1(0, session(1)), line+": offline", oven+": offline")
	p.want(ndeath, message1(0, session(1)), line+": offline", oven+": offline") // redelivered
	p.wantUnborn(ddata, message1(9, alias(7, 183)))
	p.want(nbirth, message1(0, session(2), named("Load", 1, 0.5)), line+": online", line+": Load=0.5")
	p.want(ndeath, message1(0, session(1))) // of the session before: the node is back already
	p.want(ndata, message1(1, alias(1, 0.9)), line+": Load=0.9")
	p.wantUnborn(ddata, message1(2, alias(7, 183))) // the device's birth was of the session before
}

func TestMissingMessagesAreAskedForButNotTooOften(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.told(nbirth, message1(0, session(1), named("Load", 1, 0.5)))
	p.want(ndata, message1(3, alias(1, 1)), line+": Load=1") // 1 and 2 are missing
	if len(p.asked) != 1 {
		t.Fatalf("asked %d times after the gap", len(p.asked))
	}
	var at []time.Duration
	began := p.now
	for seq := uint64(4); p.now.Before(began.Add(time.Hour)); seq++ {
		before := len(p.asked)
		p.told(ndata, message1(seq%256, alias(1, float64(seq))))
		if len(p.asked) > before {
			at = append(at, p.now.Sub(began))
		}
	}
	want := []time.Duration{30 * time.Second, 90 * time.Second, 210 * time.Second, 450 * time.Second, 930 * time.Second,
		1830 * time.Second, 2730 * time.Second}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("asked again (-want +got):\n%s", diff)
	}

	p.told(nbirth, message1(0, session(1), named("Load", 1, 0.7)))
	asked := len(p.asked)
	p.told(ndata, message1(1, alias(1, 1)))
	if len(p.asked) != asked {
		t.Error("asked for a birth after it came")
	}
}

func TestRedeliveryIsNoGap(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	first := [][]byte{message1(0, session(1), named("Load", 1, 0.5)), message1(1, alias(1, 1)), message1(2, alias(1, 2)), message1(3, alias(1, 3))}
	for range 2 { // all of it again, as after a lost connection
		p.want(nbirth, first[0], line+": online", line+": Load=0.5")
		for i, body := range first[1:] {
			p.want(ndata, body, fmt.Sprintf("%s: Load=%d", line, i+1))
		}
	}
	p.want(ndata, first[2], line+": Load=2")
	p.want(ndata, message1(4, alias(1, 4)), line+": Load=4")
	if len(p.asked) != 0 {
		t.Errorf("asked for births %q, though nothing was missing", p.asked)
	}
	if len(p.births) != 1 {
		t.Errorf("the birth was kept %d times", len(p.births))
	}
}

func TestRedeliveryOverADeathIsReadAsBefore(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	type said struct {
		topic string
		body  []byte
		want  []string
	}
	all := []said{
		{nbirth, message1(0, session(1), named("Load", 1, 0.5)), []string{line + ": online", line + ": Load=0.5"}},
		{ndata, message1(1, alias(1, 1)), []string{line + ": Load=1"}},
		{ndeath, message1(0, session(1)), []string{line + ": offline"}},
		{nbirth, message1(0, session(2), named("Fuel", 1, 3)), []string{line + ": online", line + ": Fuel=3"}},
		{ndata, message1(1, alias(1, 4)), []string{line + ": Fuel=4"}},
	}
	for _, s := range append(slices.Clone(all), all...) {
		p.want(s.topic, s.body, s.want...)
	}
	p.want(all[1].topic, all[1].body, all[1].want...) // the last of the life before, alone
	p.want(ndata, message1(2, alias(1, 5)), line+": Fuel=5")
	if len(p.asked) != 0 {
		t.Errorf("asked for births %q, though nothing was missing", p.asked)
	}
}

func TestRestartIsSilent(t *testing.T) {
	t.Parallel()
	before := newPlant(t)
	before.told(nbirth, message1(0, session(1), named("Load", 1, 0.5)))
	before.told(dbirth, message1(1, named("Temp", 7, 180)))

	p := newPlant(t, before.births...)
	p.want(ddata, message1(77, alias(7, 181)), oven+": Temp=181")
	p.want(ndata, message1(78, alias(1, 1)), line+": Load=1")
	p.want(ndeath, message1(0, session(7))) // another session's
	if len(p.asked) != 0 {
		t.Errorf("asked for births %q", p.asked)
	}
	p.told(ndata, message1(80, alias(1, 1)))
	if len(p.asked) != 1 {
		t.Error("a gap after the restart went unnoticed")
	}
}

func TestDeathIsRememberedOverARestart(t *testing.T) {
	t.Parallel()
	kept := map[string]Birth{}
	before := newPlant(t)
	before.told(nbirth, message1(0, session(1), named("Load", 1, 0.5)))
	before.told(dbirth, message1(1, named("Temp", 7, 180)))
	before.told(ddeath, message1(2))
	for _, b := range before.births {
		kept[b.Topic] = b
		if len(b.Payload) == 0 {
			delete(kept, b.Topic)
		}
	}
	if len(kept) != 1 {
		t.Fatalf("%d births are left, want the node's", len(kept))
	}
	p := newPlant(t, kept[nbirth])
	p.wantUnborn(ddata, message1(3, alias(7, 181)))

	before.told(ndeath, message1(0, session(1)))
	if last := before.births[len(before.births)-1]; last.Topic != nbirth || len(last.Payload) != 0 {
		t.Errorf("the node's death kept %+v", last)
	}
}

func TestReplayDoesNotDisturbThePresent(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	old := func(topic string, at time.Time, body []byte) ([]string, error) {
		reports, err := p.codec.Decode(nil, Payload{Topic: topic, Body: body, ReceivedAt: at, Old: true})
		return brief(reports), err
	}
	early := p.now
	p.told(nbirth, message1(0, session(2), named("Load", 1, 0.5)))
	p.told(ndata, message1(1, alias(1, 1)))
	late := p.now

	if _, err := old(ndata, early, message1(9, alias(1, 3))); !errors.Is(err, ErrUnborn) {
		t.Errorf("read by a birth that came after it: %v", err)
	}
	if got, err := old(ndata, late, message1(9, alias(1, 3))); err != nil || len(got) != 1 {
		t.Errorf("not read by the birth before it: %q, %v", got, err)
	}
	got, err := old(nbirth, early, message1(0, session(1), named("Fuel", 1, 3)))
	if diff := cmp.Diff([]string{line + ": Fuel=3"}, got); err != nil || diff != "" {
		t.Errorf("an old birth: %v (-want +got):\n%s", err, diff)
	}
	for _, topic := range []string{ndeath, ddeath} {
		if got, err := old(topic, late, message1(0, session(2))); err != nil || len(got) != 0 {
			t.Errorf("an old death: %q, %v", got, err)
		}
	}
	p.want(ndata, message1(2, alias(1, 2)), line+": Load=2")
	if len(p.asked) != 0 || len(p.births) != 1 {
		t.Errorf("asked %q, kept %d births", p.asked, len(p.births))
	}
}

func TestTimesOfAPayload(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.told(nbirth, message1(0, named("Load", 1, 0.5)))
	noon := uint64(time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC).UnixMilli())
	at := func(ms uint64, f float64) sparkplug.Metric {
		m := alias(1, f)
		m.Timestamp, m.Historical = &ms, true
		return m
	}
	body := sparkplug.Payload{Timestamp: ptr(noon + 2000), Seq: 1, Metrics: []sparkplug.Metric{at(noon, 1), alias(1, 3), at(noon+1000, 2), at(noon, 1.5)}}
	reports, err := p.hear(ndata, body.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, r := range reports {
		got = append(got, r.ObservedAt.Format("05 ")+brief(reports[i : i+1])[0])
	}
	want := []string{"00 " + line + ": Load=1 Load=1.5", "02 " + line + ": Load=3", "01 " + line + ": Load=2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNoReadingIsLeftOut(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	text := func(s string) sparkplug.Value { return sparkplug.StringValue(s) }
	p.want(nbirth, message1(0,
		sparkplug.Metric{Name: "Mode", Alias: ptr(1), Type: sparkplug.String, Value: text("auto")},
		sparkplug.Metric{Name: "Notes", Type: sparkplug.Text, Value: text(strings.Repeat("x", MaxText+1))},
		sparkplug.Metric{Name: "Empty", Type: sparkplug.Text, Value: text("")},
		sparkplug.Metric{Name: "Recipe", Type: sparkplug.Template, Value: text("\x01")},
		sparkplug.Metric{Name: "Absent", Type: sparkplug.Double, Null: true},
		sparkplug.Metric{Name: "Door", Type: sparkplug.Boolean, Value: sparkplug.BoolValue(true)},
		sparkplug.Metric{Name: "Node Control/Rebirth", Alias: ptr(2), Type: sparkplug.Boolean, Value: sparkplug.BoolValue(false)},
	), line+": online", line+": Mode=auto Door=1")
	p.want(ndata, message1(1, sparkplug.Metric{Alias: ptr(2), Value: sparkplug.BoolValue(true)}))
}

func TestWrongSparkplugIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, topic string
		body        []byte
		want        string
	}{
		{"no protobuf", ndata, []byte{0xff}, "payload: is no protobuf: unexpected EOF (byte 0)"},
		{"a metric cut off", ndata, []byte{0x12, 0x05, 0x0a}, "payload: is no protobuf: unexpected EOF (byte 0)"},
		{"a sequence beyond 255", ndata, message1(256), "seq: must be 0 to 255, not 256"},
		{"an alias that is a text", ndata, []byte{0x12, 0x03, 0x12, 0x01, 'x'}, "metrics[0].alias: has protobuf wire type 2 instead of 0 (byte 2)"},
		{"a birth with a metric without a name", nbirth, message1(0, alias(1, 2)), "metrics[0].name: is missing, though a birth must name each metric"},
		{"an alias given twice", nbirth, message1(0, named("A", 1, 2), named("B", 1, 3)), `metrics[1].alias: alias 1 is given both to "A" and to "B"`},
		{"two names that become one", nbirth, message1(0, named("A/B", 1, 2), named("A B", 2, 3)), `metrics[1].name: "A/B" and "A B" would both be called A_B`},
		{"a value of another type", nbirth, message1(0, sparkplug.Metric{Name: "A", Type: sparkplug.Int32, Value: sparkplug.DoubleValue(1)}),
			`metrics[0]: "A": sparkplug: value is not of its data type: comes as a number with a fraction, but its type is Int32`},
		{"a topic without a node", "spBv1.0/Plant/NDATA", nil, `topic "spBv1.0/Plant/NDATA" is not spBv1.0/group/type/node`},
		{"a topic of another kind", "spBv1.0/Plant/NFOO/x", nil, `topic "spBv1.0/Plant/NFOO/x" has the unknown message type "NFOO"`},
		{"data of a device without a device", "spBv1.0/Plant/DDATA/x", nil, `topic "spBv1.0/Plant/DDATA/x" does not name one device, as DDATA must`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := newPlant(t).hear(c.topic, c.body)
			var at *PayloadError
			if !errors.As(err, &at) || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestCommandsAndStatesSayNothing(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{ncmd, "spBv1.0/Plant/DCMD/Line 1/oven", "spBv1.0/STATE/host-1"} {
		newPlant(t).want(topic, []byte(`{"online": true}`))
	}
}

func TestFiltersHoldWholeNodes(t *testing.T) {
	t.Parallel()
	for filter, ok := range map[string]bool{
		"spBv1.0/#": true, "spBv1.0/Plant/#": true, "spBv1.0/+/#": true, "spBv1.0/+/+/#": true, "spBv1.0/Plant/+/Line 1/#": true,
		"spBv1.0/+/NDATA/#": false, "spBv1.0/+/+/+": false, "#": false, "spBv1.0": false, "spBv1.0/Plant/+/Line 1/oven/#": false,
	} {
		_, err := NewRouter([]Source{{Filter: filter, Codec: "sparkplug"}}, Options{})
		if (err == nil) != ok {
			t.Errorf("%s: %v", filter, err)
		}
	}
	_, err := NewRouter([]Source{{Filter: "spBv1.0/#", Codec: "sparkplug", Device: "topic[3]"}}, Options{})
	if err == nil {
		t.Error("a device by topic level is taken")
	}
}

func TestStrangersDoNotKeepNodesOut(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	for i := range maxEdgeNodes + 10 {
		_, _ = p.hear(fmt.Sprintf("spBv1.0/Plant/NDATA/stranger-%d", i), message1(0, alias(1, 1)))
	}
	p.told(nbirth, message1(0, named("Load", 1, 0.5)))
	if n := len(p.codec.nodes); n > maxEdgeNodes {
		t.Errorf("%d nodes are known", n)
	}
}
