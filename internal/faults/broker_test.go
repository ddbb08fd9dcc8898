package faults

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"telltale/internal/gatewaytest"
)

// mosquitto is Debian's broker, with a link to it that notes which messages
// the gateway acknowledged: for these it vouches. What a broker loses of those
// that it acknowledged itself is its own.
type mosquitto struct {
	*process
	address string // for devices
	link    *link  // for the gateway

	mu       sync.Mutex
	handed   map[*passage]map[uint16]delivery
	vouched  map[delivery]bool
	holdAcks bool // what the gateway acknowledges does not reach the broker
	held     int
}

// delivery names one report.
type delivery struct {
	device string
	round  int
}

func newMosquitto(t testing.TB) *mosquitto {
	t.Helper()
	dir, address := t.TempDir(), gatewaytest.UnusedAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`listener %s 127.0.0.1
allow_anonymous true
persistence true
persistence_location %s/
autosave_on_changes true
autosave_interval 1
max_inflight_messages 1000
max_queued_messages 0
log_type error
`, port, dir)
	if os.Geteuid() == 0 {
		text += "user root\n"
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	b := &mosquitto{
		address: address,
		handed:  make(map[*passage]map[uint16]delivery), vouched: make(map[delivery]bool),
	}
	b.link = newTappedLink(t, "tcp", address, b.note)
	b.process = newProcess(t, "mosquitto", func() *exec.Cmd { return exec.Command(path, "-c", conf) }, listens(address))
	b.start()
	return b
}

// note is the link's tap.
func (b *mosquitto) note(x *passage, fromServer bool, p packet) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if fromServer {
		if topic, id, payload, ok := p.publication(); ok {
			b.hand(x, topic, id, payload)
		}
		return true
	}
	if id, ok := p.acknowledged(); ok {
		b.vouched[b.handed[x][id]] = true
		if b.holdAcks {
			b.held++
			return false
		}
	}
	return true
}

func (b *mosquitto) hand(x *passage, topic string, id uint16, payload []byte) {
	var r report
	device, ok := strings.CutSuffix(strings.TrimPrefix(topic, "telltale/"), "/telemetry")
	if !ok || json.Unmarshal(payload, &r) != nil {
		return
	}
	if b.handed[x] == nil {
		b.handed[x] = make(map[uint16]delivery)
	}
	b.handed[x][id] = delivery{device, int(r.Seq) - 1}
}

// vouches reports whether the gateway acknowledged a report.
func (b *mosquitto) vouches(device string, round int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.vouched[delivery{device, round}]
}

// acknowledged is for how many reports the gateway vouches.
func (b *mosquitto) acknowledged() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.vouched)
}

// hold keeps the gateway's acknowledgements from the broker, or lets them pass
// again. It returns how many were kept.
func (b *mosquitto) hold(on bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.held
	b.holdAcks, b.held = on, 0
	return n
}
