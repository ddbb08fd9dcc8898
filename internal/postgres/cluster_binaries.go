package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binaries are the programs of one PostgreSQL installation.
type binaries struct {
	dir              string
	initdb, postgres string
	major            int
}

// findBinaries returns the installation in dir, or the best one of this
// machine when dir is empty: of the given major version, or the newest when
// major is 0.
func findBinaries(dir string, major int) (binaries, error) {
	places := []string{dir}
	if dir == "" {
		places = installations()
	}
	return chooseBinaries(places, major)
}

// chooseBinaries looks into places in order.
func chooseBinaries(places []string, major int) (binaries, error) {
	var found []binaries
	for _, dir := range places {
		if b, ok := inspectBinaries(dir); ok {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return binaries{}, fmt.Errorf("no PostgreSQL server programs (initdb, postgres) in %s: "+
			"install PostgreSQL (Debian, Ubuntu: apt install postgresql) or give the URL of a running database",
			strings.Join(places, ", "))
	}
	if major == 0 {
		return slices.MaxFunc(found, func(a, b binaries) int { return a.major - b.major }), nil
	}
	for _, b := range found {
		if b.major == major {
			return b, nil
		}
	}
	return binaries{}, fmt.Errorf("the database was made by PostgreSQL %d, but only %s is installed: "+
		"install PostgreSQL %d (Debian: apt install postgresql-%d), or move the data with pg_upgrade",
		major, versionsOf(found), major, major)
}

// versionsOf lists installations for people: "15 (/usr/lib/postgresql/15/bin)".
func versionsOf(found []binaries) string {
	var s []string
	for _, b := range found {
		s = append(s, fmt.Sprintf("%d (%s)", b.major, b.dir))
	}
	return strings.Join(slices.Compact(s), ", ")
}

// installations returns the folders that may hold the server's programs.
func installations() []string {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/usr/pgsql-*/bin",                  // the project's own RPMs
		"/usr/libexec/postgresql*",          // Alpine
		"/usr/local/pgsql/bin",              // built from source
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew
	} {
		matches, _ := filepath.Glob(pattern) // the patterns are well formed
		dirs = append(dirs, matches...)
	}
	if len(dirs) == 0 {
		dirs = []string{"PATH", "/usr/lib/postgresql/*/bin"} // for the error's sake
	}
	return dirs
}

// serverVersion finds the major version in "postgres (PostgreSQL) 15.18 (Debian 15.18-0)".
var serverVersion = regexp.MustCompile(`\) (\d+)`)

// inspectBinaries reports what dir holds; false when it is no installation of
// a server.
func inspectBinaries(dir string) (binaries, bool) {
	b := binaries{dir: dir, initdb: filepath.Join(dir, "initdb"), postgres: filepath.Join(dir, "postgres")}
	for _, program := range []string{b.initdb, b.postgres} {
		info, err := os.Stat(program)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return b, false
		}
	}
	out, err := exec.Command(b.postgres, "--version").Output()
	if err != nil {
		return b, false
	}
	m := serverVersion.FindSubmatch(out)
	if m == nil {
		return b, false
	}
	b.major, _ = strconv.Atoi(string(m[1])) // digits only
	return b, true
}
