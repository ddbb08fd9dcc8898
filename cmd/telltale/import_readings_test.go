package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"telltale/internal/views"
)

// takingGateway answers imports as a gateway does that believes everything but
// the device "nobody", and breaks down after some parts.
type takingGateway struct {
	mu       sync.Mutex
	parts    []views.ReadingsImport
	breaksAt int // this part is answered with an error; 0: none
}

func (g *takingGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var part views.ReadingsImport
	if err := json.NewDecoder(r.Body).Decode(&part); err != nil || r.URL.Path != "/api/v1/readings/import" {
		http.Error(w, fmt.Sprint(err), http.StatusNotFound)
		return
	}
	g.parts = append(g.parts, part)
	if len(g.parts) == g.breaksAt {
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	var result views.ImportResult
	for _, e := range part.Entries {
		switch {
		case e.Device == "nobody":
			result.Rejected = append(result.Rejected, views.Rejection{Line: e.Line, Detail: "device nobody is not declared"})
		case e.Alarm != nil:
			result.Alarms++
		default:
			result.Readings++
		}
	}
	_ = json.NewEncoder(w).Encode(result)
}

// importInto runs the command against a gateway.
func importInto(t *testing.T, g *takingGateway, args ...string) (code int, out, errs string) {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return command(t, append([]string{"import", "readings", "--server", server.URL, "--token", "t"}, args...)...)
}

func TestAFridgeTagIsImported(t *testing.T) {
	t.Parallel()
	var g takingGateway
	code, out, errs := importInto(t, &g, "../../../shared/data/fridgetag/sample-fridge-tag.txt", "--format", "fridgetag", "--device", "fridge-1")
	if code != exitDone || out != "180 readings and 60 alarms of the logger stored, 0 lines rejected\n" || errs != "" {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	if p := g.parts[0]; len(g.parts) != 1 || len(p.File) != 64 || p.Name != "sample-fridge-tag.txt" || p.Entries[0].Device != "fridge-1" {
		t.Errorf("%d parts, of file %q", len(g.parts), p.Name)
	}
}

func TestBigFilesGoInPartsAndWrongLinesAreNamed(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("time,device,metric,value\n")
	for i := range 2*views.MaxImport + 3 {
		fmt.Fprintf(&text, "%d,fridge-1,temperature,%d\n", 1772366400+i, i%10)
	}
	text.WriteString("yesterday,fridge-1,temperature,4\n1772366400,nobody,temperature,4\n")
	file := writeFile(t, "big.csv", text.String())
	last := 2*views.MaxImport + 5

	var g takingGateway
	code, out, errs := importInto(t, &g, file)
	wantErrs := fmt.Sprintf("%[1]s:%[2]d: \"yesterday\" is no time: write 2026-03-01T12:00:00Z or a Unix time\n"+
		"%[1]s:%[3]d: device nobody is not declared\nsome lines were rejected\n", file, last, last+1)
	if code != exitInvalid || out != "10003 readings stored, 2 lines rejected\n" || errs != wantErrs {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	if len(g.parts) != 3 {
		t.Errorf("%d parts", len(g.parts))
	}

	broken := takingGateway{breaksAt: 2}
	code, _, errs = importInto(t, &broken, file)
	if code != exitFailed || !strings.Contains(errs, "the gateway answered 503") || !strings.Contains(errs, "5000 readings are stored already; import the file again") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestADryRunSaysWhatWouldBeStored(t *testing.T) {
	t.Parallel()
	var g takingGateway
	file := writeFile(t, "x.csv", "time,metric,value\n1772366400,temperature,4\n")
	code, out, _ := importInto(t, &g, file, "--device", "a/b", "--dry-run")
	if code != exitDone || out != "1 readings would be stored, 0 lines rejected\n" || !g.parts[0].DryRun {
		t.Errorf("exit %d, %q", code, out)
	}
}

func TestManyWrongLinesAreCounted(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("time,device,metric,value\n")
	for i := range shownRejections + 7 {
		fmt.Fprintf(&text, "x%d,a,b,1\n", i)
	}
	file := writeFile(t, "x.csv", text.String())
	code, out, errs := importInto(t, &takingGateway{}, file)
	if code != exitInvalid || strings.Count(errs, "\n") != shownRejections+2 || !strings.Contains(errs, ": and 7 more lines\n") || !strings.Contains(out, "107 lines rejected") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestRejectedLinesComeInOrderAndTheSameSentenceAFewTimes(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "x.csv", "time,device,metric,value\n1772366400,nobody,t,1\n1772366400,a,t,\n"+strings.Repeat("1772366400,nobody,t,1\n", 10))
	code, _, errs := importInto(t, &takingGateway{}, file)
	var want strings.Builder
	for _, line := range []int{2, 3, 4, 5, 6, 7} {
		detail := "device nobody is not declared"
		if line == 3 {
			detail = "value is empty"
		}
		fmt.Fprintf(&want, "%s:%d: %s\n", file, line, detail)
	}
	fmt.Fprintf(&want, "%s: and 6 more lines\nsome lines were rejected\n", file)
	if code != exitInvalid || errs != want.String() {
		t.Errorf("exit %d, got\n%swant\n%s", code, errs, want.String())
	}
}

func TestWrongImportsOfReadings(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "x.csv", "time,temp\n")
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a header of another file", []string{file}, `unknown column "temp"`},
		{"a format that there is not", []string{file, "--format", "xlsx"}, `--format must be one of`},
		{"a CSV as a Fridge-tag", []string{file, "--format", "fridgetag"}, "no report of a Fridge-tag"},
		{"a device that cannot be one", []string{file, "--device", "a b"}, `--device "a b" is no device id`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := importInto(t, &takingGateway{}, c.args...)
			if code != exitInvalid || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, %q", code, errs)
			}
		})
	}
	code, _, errs := command(t, "import", "Device", file, "--dry-run", "--data", t.TempDir())
	if code != exitInvalid || !strings.Contains(errs, "are for readings only") {
		t.Errorf("exit %d, %q", code, errs)
	}
}
