package outbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// WebhookConfig says where events are posted.
type WebhookConfig struct {
	// Name tells destinations apart in the table, in logs and in metrics.
	// Required, and not to be changed while deliveries wait.
	Name string

	// URL is posted to, http or https. Required.
	URL string

	// Secret signs; see [ParseSecret]. Required.
	Secret string

	// Types are the event types that are sent; empty: all.
	Types []string

	// Source is the CloudEvents source, a URI reference that names this
	// gateway. Default: "/telltale".
	Source string

	// Timeout bounds one attempt, from connecting to the end of the answer.
	// Default: 10 s.
	Timeout time.Duration
}

const (
	defaultSource  = "/telltale"
	defaultTimeout = 10 * time.Second
	maxAnswer      = 64 << 10 // bytes of an answer that are read
	maxQuoted      = 200      // bytes of an answer that are kept with an error
)

// Webhook posts events to a URL as CloudEvents 1.0 in structured JSON, signed
// by the Standard Webhooks scheme. The id of the event is the webhook-id, the
// same in every attempt. It follows no redirects: the address is the
// operator's choice, not the receiver's. Safe for concurrent use.
type Webhook struct {
	name   string
	url    string
	secret Secret
	types  []string
	source string
	client *http.Client
	now    func() time.Time
}

// NewWebhook returns a destination, or all that is wrong with its
// configuration. It connects to nothing.
func NewWebhook(config WebhookConfig) (*Webhook, error) {
	secret, secretErr := ParseSecret(config.Secret)
	var nameErr error
	if config.Name == "" {
		nameErr = errors.New("webhook has no name")
	}
	timeoutErr := error(nil)
	if config.Timeout < 0 {
		timeoutErr = errors.New("webhook timeout must not be negative")
	}
	if err := errors.Join(nameErr, checkURL(config.URL), secretErr, timeoutErr); err != nil {
		return nil, fmt.Errorf("webhook %s: %w", config.Name, err)
	}
	return &Webhook{
		name: config.Name, url: config.URL, secret: secret, types: config.Types,
		source: cmp.Or(config.Source, defaultSource),
		client: &http.Client{
			Timeout:       cmp.Or(config.Timeout, defaultTimeout),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
				TLSHandshakeTimeout: defaultTimeout, ForceAttemptHTTP2: true,
			},
		},
		now: time.Now,
	}, nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("webhook URL must be an http or https address")
	}
	return nil
}

// Name returns the configured name.
func (w *Webhook) Name() string { return w.name }

// Wants reports whether events of the type are sent.
func (w *Webhook) Wants(eventType string) bool {
	return len(w.types) == 0 || slices.Contains(w.types, eventType)
}

// Send posts one event and returns nil for an answer of 2xx.
func (w *Webhook) Send(ctx context.Context, event Event) error {
	body, err := event.encode(w.source)
	if err != nil {
		return &SendError{Refused: true, Err: fmt.Errorf("encode event %s: %w", event.ID, err)}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	at := w.now()
	request.Header.Set("Content-Type", cloudEventsType)
	request.Header.Set("User-Agent", "telltale")
	request.Header.Set("webhook-id", event.ID)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	request.Header.Set("webhook-signature", w.secret.sign(event.ID, at, body))
	if parent := event.traceParent(); parent != "" {
		request.Header.Set("traceparent", parent)
	}

	response, err := w.client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	// The rest of the answer is read so that the connection can be used again.
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return judge(response, answer, at)
}

// withoutURL keeps credentials that may be part of a URL out of errors, which
// are stored and shown.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}

// judge tells what an answer means for the next attempt.
func judge(response *http.Response, answer []byte, now time.Time) error {
	code := response.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	err := fmt.Errorf("answered %s", response.Status)
	if text := shorten(string(bytes.TrimSpace(answer)), maxQuoted); text != "" {
		err = fmt.Errorf("answered %s: %q", response.Status, text)
	}
	return &SendError{
		Refused:    refuses(code),
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), now),
		Err:        err,
	}
}

// refuses reports whether a status says that the request itself is not
// wanted. A redirect is such a one: somebody must mend the configuration.
func refuses(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return code < 500
	}
}

// retryAfter reads the header of that name: seconds or an HTTP date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter.Seconds()))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
