package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"telltale/internal/app"
	"telltale/internal/declare"
)

// remote is a gateway reached through its REST API.
type remote struct {
	base  string
	token string
	http  *http.Client
}

// remoteTimeout bounds one request; applying 100,000 devices takes a while.
const remoteTimeout = 2 * time.Minute

func newRemote(server, token string) (*remote, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, invalid(fmt.Errorf("--server %q is not a URL of the form http://host:port", server))
	}
	return &remote{
		base:  strings.TrimRight(server, "/") + "/api/v1",
		token: token,
		http:  &http.Client{Timeout: remoteTimeout},
	}, nil
}

// Close does nothing: there is no connection to keep.
func (r *remote) Close() error { return nil }

// Plan is [app.Admin]'s.
func (r *remote) Plan(ctx context.Context, sources []declare.Source) (string, error) {
	return r.declare(ctx, "/plan", sources)
}

// Apply is [app.Admin]'s; the author is who the token names.
func (r *remote) Apply(ctx context.Context, sources []declare.Source, _ string) (string, error) {
	return r.declare(ctx, "/apply", sources)
}

func (r *remote) declare(ctx context.Context, path string, sources []declare.Source) (string, error) {
	type source struct {
		Name     string            `json:"name"`
		Text     string            `json:"text"`
		Decoders map[string]string `json:"decoders,omitempty"`
	}
	var body struct {
		Sources []source `json:"sources"`
	}
	for _, s := range sources {
		body.Sources = append(body.Sources, source{s.Name, string(s.Text), s.Decoders})
	}
	var answer struct {
		Text string `json:"text"`
	}
	err := r.call(ctx, http.MethodPost, path, body, &answer)
	return answer.Text, err
}

// Import is not offered by the API.
func (r *remote) Import(context.Context, string, declare.Source, string) (app.ImportReport, error) {
	return app.ImportReport{}, invalid(errors.New("import works on the gateway's data: give --data or --config instead of --server"))
}

// DevicePassword is not offered by the API, as CreateToken.
func (r *remote) DevicePassword(context.Context, string) (string, error) {
	return "", invalid(errors.New("passwords are made beside the gateway: give --data or --config instead of --server"))
}

// CreateToken is not offered by the API: a stolen token must not make others.
func (r *remote) CreateToken(context.Context, string, string) (string, error) {
	return "", invalid(errors.New("tokens are made beside the gateway: give --data or --config instead of --server"))
}

// AddUser is not offered by the API, as CreateToken.
func (r *remote) AddUser(context.Context, string, string, string, string) error {
	return invalid(errors.New("users are added beside the gateway: give --data or --config instead of --server"))
}

// call sends body as JSON and reads the answer into answer.
func (r *remote) call(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		payload = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.base+path, payload)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", rand.Text())
	}
	response, err := r.http.Do(request)
	if err != nil {
		return fmt.Errorf("reach the gateway: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return problem(response)
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}

// problem turns an error answer (RFC 9457) into an error: the caller's input
// when the gateway says so, one line for each fault.
func problem(response *http.Response) error {
	var p struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&p); err != nil || p.Detail == "" {
		return fmt.Errorf("the gateway answered %s", response.Status)
	}
	err := errors.New(p.Detail)
	if len(p.Errors) > 0 {
		faults := make([]error, len(p.Errors))
		for i, e := range p.Errors {
			faults[i] = errors.New(e.Message)
		}
		err = errors.Join(faults...)
	}
	if response.StatusCode == http.StatusUnprocessableEntity || response.StatusCode == http.StatusBadRequest {
		return invalid(err)
	}
	return err
}
