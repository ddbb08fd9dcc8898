package influxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/internal/gatewaytest"
)

// Options say how a server is set up.
type Options struct {
	NoFlux bool // Flux is refused, as it is by default in 1.8

	// Auth asks for a token "admin:secret", the user that Start makes.
	Auth bool
}

// Admin is the token of a server with [Options.Auth].
const Admin = "admin:secret"

// Server is a running InfluxDB. Its methods fail the test that started it.
type Server struct {
	URL string

	t         testing.TB
	opts      Options
	dir       string
	cmd       *exec.Cmd
	exited    chan struct{}
	databases atomic.Int64
}

// startLimit is how long a server may take until it answers, on a busy
// machine.
const startLimit = time.Minute

// Start returns a server that ends with the test.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	s := &Server{t: t, opts: opts, dir: t.TempDir()}
	s.URL = "http://" + gatewaytest.UnusedAddress(t)
	s.writeConfig()
	s.Restart()
	t.Cleanup(s.Kill)
	if opts.Auth {
		s.Query("", "CREATE USER admin WITH PASSWORD 'secret' WITH ALL PRIVILEGES")
	}
	return s
}

// writeConfig sets up a server that says nothing to the world and keeps its
// series on disk: the index in memory stops at a million series, and at
// 100,000 devices.
func (s *Server) writeConfig() {
	s.t.Helper()
	address := strings.TrimPrefix(s.URL, "http://")
	text := fmt.Sprintf(`reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = %[1]q
  logging-enabled = false
[data]
  dir = %[2]q
  wal-dir = %[3]q
  index-version = "tsi1"
  query-log-enabled = false
[http]
  bind-address = %[4]q
  flux-enabled = %[5]t
  auth-enabled = %[6]t
  log-enabled = false
  suppress-write-log = true
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "warn"
`, filepath.Join(s.dir, "meta"), filepath.Join(s.dir, "data"), filepath.Join(s.dir, "wal"), address, !s.opts.NoFlux, s.opts.Auth)
	if err := os.WriteFile(s.config(), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) config() string { return filepath.Join(s.dir, "influxd.conf") }

// Restart starts the server, on its address and data, and waits until it
// answers.
func (s *Server) Restart() {
	s.t.Helper()
	program, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	output := &bytes.Buffer{}
	s.cmd = exec.Command(program, "-config", s.config())
	s.cmd.Stdout, s.cmd.Stderr = output, output
	s.cmd.SysProcAttr = processAttributes()
	s.exited = make(chan struct{})
	if err := run(s.cmd, s.exited); err != nil {
		s.t.Fatalf("start influxd: %v", err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for !s.answers(ctx) {
		select {
		case <-s.exited:
			s.t.Fatalf("influxd ended by itself:\n%s", output)
		case <-ctx.Done():
			s.Kill()
			s.t.Fatalf("influxd does not answer after %s:\n%s", startLimit, output)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// run starts a command and closes exited when it has ended. Its thread stays
// until then: the kernel ends the server with the thread that started it, and
// Go ends idle threads.
func run(cmd *exec.Cmd, exited chan struct{}) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed in the end
			close(exited)
		}
	}()
	return <-started
}

func (s *Server) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/health", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode < http.StatusInternalServerError
}

// Kill ends the server like a power cut would, short of the disk's cache: with
// SIGKILL. Nothing happens when it does not run.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Database makes a database and returns its name, which is the name of a
// bucket as well.
func (s *Server) Database() string {
	s.t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	s.Query("", "CREATE DATABASE "+name)
	return name
}

// Query runs InfluxQL and returns the values of all series, row by row.
func (s *Server) Query(database, influxQL string) [][]any {
	s.t.Helper()
	form := url.Values{"db": {database}, "q": {influxQL}, "epoch": {"u"}}
	body := s.post("/query?"+form.Encode(), "")
	var answer struct {
		Results []struct {
			Error  string
			Series []struct{ Values [][]any }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		s.t.Fatalf("%s: %v in %s", influxQL, err, body)
	}
	var rows [][]any
	for _, result := range answer.Results {
		if result.Error != "" {
			s.t.Fatalf("%s: %s", influxQL, result.Error)
		}
		for _, series := range result.Series {
			rows = append(rows, series.Values...)
		}
	}
	return rows
}

// Write writes lines of the line protocol, with times in microseconds.
func (s *Server) Write(database, lines string) {
	s.t.Helper()
	s.post("/write?precision=u&db="+url.QueryEscape(database), lines)
}

func (s *Server) post(path, body string) []byte {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.opts.Auth {
		request.Header.Set("Authorization", "Token "+Admin)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		s.t.Fatalf("%s: %s %s", path, answer.Status, text)
	}
	return text
}

// program returns the path of influxd, which is built the first time.
var program = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(filepath.Join(root, "deploy", "build-influxd.sh"))
	errText := &bytes.Buffer{}
	cmd.Stderr = errText
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build influxd: %w: %s", err, errText)
	}
	return strings.TrimSpace(string(out)), nil
})

// moduleRoot returns the folder above the package under test that holds
// go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("find the module: no go.mod above the working directory")
		}
		dir = parent
	}
}
