package main

import (
	"context"
	"net/http"

	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/views"
)

// Sources lists the gateway's sources.
func (r *remote) Sources(ctx context.Context) ([]codec.Source, error) {
	var answer struct {
		Items []codec.Source `json:"items"`
	}
	err := r.call(ctx, http.MethodGet, "/sources", nil, &answer)
	return answer.Items, err
}

// Try has the gateway try a message, with the devices and scripts it knows.
func (r *remote) Try(ctx context.Context, q ingest.TrialRequest) (trial views.Trial, err error) {
	body := map[string]any{"payload_base64": q.Payload}
	for key, text := range map[string]string{"source": q.Source, "topic": q.Topic, "script": q.Script} {
		if text != "" {
			body[key] = text
		}
	}
	if q.FPort != nil {
		body["f_port"] = *q.FPort
	}
	err = r.call(ctx, http.MethodPost, "/codecs/try", body, &trial)
	return trial, err
}
