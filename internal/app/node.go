package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"telltale/internal/config"
)

// nodeName returns the stable name of this node, for its leases: made once and
// kept in the data folder, or the machine's name where there is no folder. A
// node that restarts under its name takes its leases back at once.
func nodeName(cfg config.Config) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name this node: %w", err)
	}
	if cfg.Data == "" {
		return host, nil
	}
	path := filepath.Join(cfg.Data, "node")
	name, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		name = []byte(host + "-" + rand.Text()[:8])
		err = errors.Join(os.MkdirAll(cfg.Data, 0o700), os.WriteFile(path, name, 0o600))
	}
	if err != nil {
		return "", fmt.Errorf("name this node: %w", err)
	}
	return strings.TrimSpace(string(name)), nil
}
