package main

import (
	"context"
	"net/http"

	"telltale/internal/views"
)

// ImportReadings is [app.Admin]'s.
func (r *remote) ImportReadings(ctx context.Context, part views.ReadingsImport) (views.ImportResult, error) {
	var result views.ImportResult
	err := r.call(ctx, http.MethodPost, "/readings/import", part, &result)
	return result, err
}
