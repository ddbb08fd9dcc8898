package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"telltale/rules/backtest"
)

// Backtest plays rules on the history of the gateway's devices, by its API,
// which takes rules and models.
func (r *remote) Backtest(ctx context.Context, files, ids []string, from, to time.Time) (result backtest.Result, err error) {
	texts := make([]string, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return result, invalid(fmt.Errorf("with --server name files, not folders: %w", err))
		}
		texts[i] = string(text)
	}
	err = r.call(ctx, http.MethodPost, "/rules/backtest", map[string]any{
		"rules": strings.Join(texts, "\n---\n"), "devices": ids, "from": from, "to": to,
	}, &result)
	return result, err
}
