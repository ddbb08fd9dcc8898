package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/internal/config"
	"telltale/internal/gatewaytest"
	"telltale/tickets"
)

// sharedData returns a file of the recorded inputs, which lie beside the
// project.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("recorded input: %v", err)
	}
	return path
}

// mosquittoPub publishes each line as one message, QoS 1, with Debian's own
// client.
func mosquittoPub(t *testing.T, address, topic string, lines [][]byte) {
	t.Helper()
	host, port, _ := strings.Cut(address, ":")
	cmd := exec.CommandContext(t.Context(), "mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-t", topic, "-l")
	cmd.Stdin = bytes.NewReader(bytes.Join(lines, []byte("\n")))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

// whoRun is a simulated vaccine fridge in the record form of WHO's PQS E006.
type whoRun struct {
	Records []json.RawMessage `json:"records"`
}

// whoRules are WHO's alarm conditions; shared/data/README.md names them.
const whoRules = `
kind: Model
id: PQS
metrics: {TVC: {unit: Cel}, TAMB: {unit: Cel}, DORV: {unit: s}, SVA: {unit: s}, ACSV: {unit: V}}
report_every: 15m
---
{kind: Rule, id: HEAT, title: Heat, when: TVC > 8, for: 10h}
---
{kind: Rule, id: FRZE, title: Freeze, when: TVC <= -0.5, for: 60m}
---
{kind: Rule, id: DOOR, title: Door open, when: DORV > 300}
---
{kind: Rule, id: POWR, title: No power, when: SVA == 0, for: 24h}
`

// TestWHORunsRaiseTheirOwnAlarms replays recorded runs through the embedded
// broker, record by record as they were written, and compares the alarms with
// those that the runs themselves name.
func TestWHORunsRaiseTheirOwnAlarms(t *testing.T) {
	t.Parallel()
	a := startGateway(t, func(cfg *config.Config) {
		cfg.Sources = []config.Source{{
			Filter: "who/+/record", Codec: "fields", Device: "topic[1]", Time: "ABST", Layout: "20060102T150405Z",
			Metrics: map[string]config.Metric{"TVC": {Path: "TVC"}, "TAMB": {Path: "TAMB"}, "DORV": {Path: "DORV"}, "SVA": {Path: "SVA"}, "ACSV": {Path: "ACSV"}},
		}}
	})
	files, err := filepath.Glob(sharedData(t, "who") + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded runs: %v", err)
	}
	declarations := whoRules
	for _, file := range files {
		declarations += fmt.Sprintf("---\n{kind: Device, id: %s, model: PQS}\n", runName(file))
	}
	declareAll(t, a, declarations)

	var want []string
	for _, file := range files {
		records := readWHO(t, file)
		mosquittoPub(t, a.cfg.MQTT.Listen, "who/"+runName(file)+"/record", compact(t, records))
		want = append(want, ownAlarms(t, runName(file), records)...)
	}
	gatewaytest.Await(t, "all partitions to be worked through", func() bool { return caughtUp(t, a) })
	var got []string
	for _, alarm := range alarmsOf(t, a) {
		got = append(got, alarm.Key.Subject.ID+" "+alarm.Key.Rule)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alarms (-want +got)\n%s", diff)
	}
}

func runName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".json") }

func readWHO(t *testing.T, file string) []json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var run whoRun
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	return run.Records
}

func compact(t *testing.T, records []json.RawMessage) [][]byte {
	t.Helper()
	lines := make([][]byte, len(records))
	for i, r := range records {
		var line bytes.Buffer
		if err := json.Compact(&line, r); err != nil {
			t.Fatal(err)
		}
		lines[i] = line.Bytes()
	}
	return lines
}

// ownAlarms returns the alarms that a run names itself, each once.
func ownAlarms(t *testing.T, name string, records []json.RawMessage) []string {
	t.Helper()
	var alarms []string
	for _, r := range records {
		var record struct{ ALRM *string }
		if err := json.Unmarshal(r, &record); err != nil {
			t.Fatal(err)
		}
		if record.ALRM == nil {
			continue
		}
		if alarm := name + " " + *record.ALRM; !slices.Contains(alarms, alarm) {
			alarms = append(alarms, alarm)
		}
	}
	return alarms
}

// TestMachineTemperatureMakesOneTicketPerEpisode replays a real temperature
// series through a Mosquitto, which hands it to the gateway, and compares the
// tickets with the episodes that a plain loop finds.
func TestMachineTemperatureMakesOneTicketPerEpisode(t *testing.T) {
	t.Parallel()
	broker := startMosquitto(t)
	a := startGateway(t, func(cfg *config.Config) { cfg.MQTT.Broker = "mqtt://" + broker })
	declareAll(t, a, `
kind: Model
id: machine
metrics: {temperature: {unit: degF}}
report_every: 5m
---
{kind: Device, id: press-1, model: machine}
---
{kind: Rule, id: hot, title: Too hot, when: temperature > 100, severity: critical}
`)
	lines, want := machineTemperature(t)
	mosquittoPub(t, broker, "telltale/press-1/telemetry", lines)
	var got []time.Time
	matched := gatewaytest.Eventually(20*time.Millisecond, func() bool {
		got = got[:0]
		for _, ticket := range ticketsOf(t, a) {
			got = append(got, ticket.ObservedAt.UTC())
		}
		slices.SortFunc(got, time.Time.Compare)
		return cmp.Equal(want, got)
	})
	if !matched {
		t.Errorf("tickets (-want +got)\n%s", cmp.Diff(want, got))
	}
	if len(want) < 5 {
		t.Errorf("only %d episodes: the series is not what it was", len(want))
	}
}

// machineTemperature returns the series as messages, and when each episode
// above 100 begins.
func machineTemperature(t *testing.T) (lines [][]byte, episodes []time.Time) {
	t.Helper()
	file, err := os.Open(sharedData(t, "nab/machine_temperature_system_failure.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	hot := false
	for _, row := range rows[1:] {
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			t.Fatal(err)
		}
		value, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Appendf(nil, `{"ts":%d,"values":{"temperature":%s}}`, at.UnixMilli(), row[1]))
		if !at.After(last) {
			continue // a duplicate or late reading changes nothing
		}
		last = at
		if value > 100 && !hot {
			episodes = append(episodes, at)
		}
		hot = value > 100
	}
	return lines, episodes
}

// startMosquitto runs Debian's broker for the test and returns its address.
func startMosquitto(t *testing.T) string {
	t.Helper()
	address := gatewaytest.UnusedAddress(t)
	host, port, _ := strings.Cut(address, ":")
	folder := t.TempDir()
	file := filepath.Join(folder, "mosquitto.conf")
	text := fmt.Sprintf("listener %s %s\nallow_anonymous true\nmax_inflight_messages 1000\nmax_queued_messages 0\npersistence false\nuser root\n", port, host)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := exec.LookPath("mosquitto")
	if err != nil {
		binary = "/usr/sbin/mosquitto" // not in everybody's PATH
	}
	cmd := exec.Command(binary, "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start mosquitto (Debian package mosquitto): %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	awaitAddress(t, address)
	return address
}

func alarmsOf(t *testing.T, a *App) []*tickets.Alarm {
	t.Helper()
	alarms, err := a.db.ListAlarms(t.Context(), tickets.AlarmQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return alarms
}

func ticketsOf(t *testing.T, a *App) []*tickets.Ticket {
	t.Helper()
	all, err := a.db.ListTickets(t.Context(), tickets.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// caughtUp reports whether the rule workers have read the log to its end and
// committed what follows from it.
func caughtUp(t *testing.T, a *App) bool {
	t.Helper()
	for p := range a.log.Partitions() {
		end, err := a.log.End(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if a.workers.Position(p) < end {
			return false
		}
	}
	return true
}
