package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"telltale/rules/backtest"
)

// Backtest plays rules on the history of the gateway's devices, by its API,
// which takes rules and models.
func (r *remote) Backtest(ctx context.Context, c rulesBacktestCmd) (result backtest.Result, err error) {
	if c.Against != "" && c.Against != againstLive {
		return result, invalid(errors.New("with --server compare with live: --against live"))
	}
	texts := make([]string, len(c.Rules))
	for i, file := range c.Rules {
		text, err := os.ReadFile(file)
		if err != nil {
			return result, invalid(fmt.Errorf("with --server name files, not folders: %w", err))
		}
		texts[i] = string(text)
	}
	err = r.call(ctx, http.MethodPost, "/rules/backtest", map[string]any{
		"rules": strings.Join(texts, "\n---\n"), "devices": c.Device, "from": c.From, "to": c.To,
		"against": c.Against, "sweep": c.Sweep,
	}, &result)
	return result, err
}
