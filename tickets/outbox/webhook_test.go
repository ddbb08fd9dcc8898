package outbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// secretText is the example secret of the Standard Webhooks specification.
const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestSignatureIsThatOfTheStandardsExample(t *testing.T) {
	t.Parallel()
	secret, err := ParseSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	got := secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestParseSecretRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a secret without its prefix": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"a short one":                 "whsec_MfKQ9r8GKYo=",
		"what is not base64":          "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
		"a long one":                  "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSecret(text)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), strings.TrimPrefix(text, secretPrefix)) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret, err := ParseSecret(secretText)
	if err != nil {
		t.Fatal(err)
	}
	encoded, _ := json.Marshal(struct{ S Secret }{secret})
	for _, text := range []string{fmt.Sprint(secret), fmt.Sprintf("%+v %#v", secret, secret), string(encoded)} {
		if strings.Contains(text, "MfKQ") || strings.Contains(text, "49 242") || strings.Contains(text, "0x31") {
			t.Errorf("printed %s", text)
		}
	}
}

// TestSendPostsASignedCloudEvent checks a request as a receiver would that
// knows the two standards and nothing of this package.
func TestSendPostsASignedCloudEvent(t *testing.T) {
	t.Parallel()
	type seen struct {
		header http.Header
		body   []byte
	}
	requests := make(chan seen, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- seen{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	hook := newHook(t, server.URL)
	event := Event{ID: "evt_1", Type: "ticket.opened", Subject: "T-000042", OrderingKey: "T-000042",
		At: noon, Data: json.RawMessage(`{"id": "T-000042", "ok": true}`)}
	if err := hook.Send(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	got := <-requests

	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secretText, "whsec_"))
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", got.header.Get("Webhook-Id"), got.header.Get("Webhook-Timestamp"), got.body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); got.header.Get("Webhook-Signature") != want {
		t.Errorf("signature %q, want %q", got.header.Get("Webhook-Signature"), want)
	}
	if contentType := got.header.Get("Content-Type"); !strings.HasPrefix(contentType, "application/cloudevents+json") {
		t.Errorf("content type %q", contentType)
	}

	var envelope map[string]any
	if err := json.Unmarshal(got.body, &envelope); err != nil {
		t.Fatal(err)
	}
	for _, required := range []string{"specversion", "id", "source", "type"} { // CloudEvents 1.0, required attributes
		if text, ok := envelope[required].(string); !ok || text == "" {
			t.Errorf("attribute %s is %v", required, envelope[required])
		}
	}
	if envelope["specversion"] != "1.0" || envelope["id"] != got.header.Get("Webhook-Id") || envelope["type"] != "ticket.opened" {
		t.Errorf("envelope %s", got.body)
	}
	if at, err := time.Parse(time.RFC3339Nano, envelope["time"].(string)); err != nil || !at.Equal(noon) {
		t.Errorf("time %v", envelope["time"])
	}
	if data, ok := envelope["data"].(map[string]any); !ok || data["id"] != "T-000042" {
		t.Errorf("data %v", envelope["data"])
	}
}

func TestEveryAnswerIsJudged(t *testing.T) {
	t.Parallel()
	for code := 200; code < 600; code++ {
		response := &http.Response{StatusCode: code, Status: fmt.Sprint(code), Header: http.Header{}}
		err := judge(response, []byte("because"), noon)
		var failure *SendError
		switch isFailure := errors.As(err, &failure); {
		case code < 300:
			if err != nil {
				t.Errorf("%d: %v", code, err)
			}
		case !isFailure:
			t.Errorf("%d: error %v is no SendError", code, err)
		case code >= 500 || code == 408 || code == 425 || code == 429:
			if failure.Refused {
				t.Errorf("%d counts as refused", code)
			}
		case !failure.Refused:
			t.Errorf("%d does not count as refused", code)
		}
	}
}

func TestRetryAfterIsUnderstood(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "99999999999999": maxRetryAfter, "999999": maxRetryAfter,
		noon.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		noon.Add(-time.Minute).Format(http.TimeFormat): 0,
	}
	for text, want := range tests {
		if got := retryAfter(text, noon); got != want {
			t.Errorf("Retry-After %q is %s, want %s", text, got, want)
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()

	var failure *SendError
	if err := newHook(t, server.URL).Send(t.Context(), Event{ID: "evt_1"}); !errors.As(err, &failure) || !failure.Refused {
		t.Errorf("error %v, want a refusal", err)
	}
}

func TestASlowAnswerTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	hook, err := NewWebhook(WebhookConfig{Name: "slow", URL: server.URL, Secret: secretText, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var failure *SendError
	if err := hook.Send(t.Context(), Event{ID: "evt_1"}); err == nil || errors.As(err, &failure) {
		t.Errorf("error %v, want one of a destination out of reach", err)
	}
}

func TestErrorsDoNotTellTheAddress(t *testing.T) {
	t.Parallel()
	hook := newHook(t, "http://user:hunter2@127.0.0.1:1/hook?token=hunter2")
	err := hook.Send(t.Context(), Event{ID: "evt_1"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

func TestNewWebhookNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := NewWebhook(WebhookConfig{URL: "ftp://host/", Secret: "x", Timeout: -1})
	for _, part := range []string{"no name", "http or https", "whsec_", "negative"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not say %q", err, part)
		}
	}
}

func TestWantsChoosesByType(t *testing.T) {
	t.Parallel()
	all, some := &Webhook{}, &Webhook{types: []string{"ticket.opened"}}
	if !all.Wants("alarm.raised") || !some.Wants("ticket.opened") || some.Wants("alarm.raised") {
		t.Error("the filter by type is wrong")
	}
}

func newHook(t *testing.T, url string) *Webhook {
	t.Helper()
	hook, err := NewWebhook(WebhookConfig{Name: "hook", URL: url, Secret: secretText})
	if err != nil {
		t.Fatal(err)
	}
	return hook
}
