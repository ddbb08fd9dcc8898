package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"telltale/internal/access"
)

// form posts a form as a browser would from a page of our own.
func (r *rig) form(c *http.Client, path string, values url.Values, headers ...string) answer {
	r.t.Helper()
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, headers...)
	return r.send(c, "", "POST", path, values.Encode(), headers...)
}

func (r *rig) loggedIn() *http.Client {
	r.t.Helper()
	c := browser(r.t)
	a := r.form(c, "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}})
	if a.status != http.StatusSeeOther {
		r.t.Fatalf("login: status %d: %s", a.status, a.body)
	}
	return c
}

// cookieOf returns the session cookie the browser holds, "" for none.
func (r *rig) cookieOf(c *http.Client) string {
	u, err := url.Parse(r.url)
	r.must(err)
	for _, cookie := range c.Jar.Cookies(u) {
		if cookie.Name == "telltale" {
			return cookie.Value
		}
	}
	return ""
}

// csrfOf returns the CSRF token of the browser's session.
func (r *rig) csrfOf(c *http.Client) string {
	r.t.Helper()
	s, err := r.gate.Session(r.t.Context(), r.cookieOf(c))
	r.must(err)
	return s.CSRF
}

func TestTheSessionCookieIsOutOfReach(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	set := r.form(browser(t), "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}}).header.Get("Set-Cookie")
	for _, want := range []string{"telltale=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("cookie %q has no %s", set, want)
		}
	}
	if strings.Contains(set, "Secure") || strings.Contains(set, "Domain") {
		t.Errorf("cookie %q over http to any host", set)
	}

	behindTLS := newRigWith(t, Options{PublicURL: "https://telltale.example"})
	set = behindTLS.form(browser(t), "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}}).header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-telltale=") || !strings.Contains(set, "Secure") {
		t.Errorf("cookie %q is not bound to https", set)
	}
}

func TestLoginMakesANewSessionWhateverTheBrowserBrought(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.loggedIn()
	first := r.cookieOf(c)
	r.form(c, "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}})
	second := r.cookieOf(c)
	if first == second || second == "" {
		t.Fatalf("the session was kept over a login: %q", second)
	}
	if _, err := r.gate.Session(t.Context(), first); err == nil {
		t.Error("the session from before the login still works")
	}

	planted := browser(t)
	u, err := url.Parse(r.url)
	r.must(err)
	planted.Jar.SetCookies(u, []*http.Cookie{{Name: "telltale", Value: "planted-by-an-attacker"}})
	r.form(planted, "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}})
	if r.cookieOf(planted) == "planted-by-an-attacker" {
		t.Error("a planted cookie became a session")
	}
}

func TestAWrongLoginIsRefusedWithoutSayingWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	unknown := r.form(browser(t), "/login", url.Values{"login": {"zzz"}, "password": {"whatever it takes"}})
	wrong := r.form(browser(t), "/login", url.Values{"login": {"ewa"}, "password": {"whatever it takes"}})
	if unknown.status != http.StatusUnauthorized || wrong.status != http.StatusUnauthorized {
		t.Errorf("status %d and %d, want 401", unknown.status, wrong.status)
	}
	if a, b := strings.ReplaceAll(string(unknown.body), "zzz", ""), strings.ReplaceAll(string(wrong.body), "ewa", ""); a != b {
		t.Errorf("an unknown login reads differently:\n%s\n%s", a, b)
	}
	if wrong.header.Get("Set-Cookie") != "" {
		t.Error("a refused login set a cookie")
	}
}

func TestALoginFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
	} {
		a := r.form(browser(t), "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}}, headers...)
		if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%v: status %d, cookie %q", headers, a.status, a.header.Get("Set-Cookie"))
		}
	}
}

func TestAfterLoginTheBrowserStaysOnThisSite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cases := map[string]string{
		"":                       "/",
		"/tickets?status=new":    "/tickets?status=new",
		"https://evil.example/":  "/",
		"//evil.example/":        "/",
		"/\\evil.example":        "/",
		"/\tevil.example":        "/",
		"javascript:alert(1)":    "/",
		"/tickets\r\nX-Evil: on": "/",
	}
	c := browser(t)
	for next, want := range cases {
		if got := localPath(next); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
	}
	a := r.form(c, "/login", url.Values{"login": {"ewa"}, "password": {ewasPassword}, "next": {"/tickets"}})
	if got := a.header.Get("Location"); got != "/tickets" {
		t.Errorf("location %q", got)
	}
}

func TestAOneTimeLinkOpensOneSessionUnderARace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	secret, err := r.gate.CreateLink(t.Context(), "ewa")
	r.must(err)

	for _, look := range [][]string{{"HEAD"}, {"GET", "Sec-Purpose", "prefetch;prerender"}, {"GET", "Purpose", "prefetch"}} {
		if a := r.send(browser(t), "", look[0], "/login/"+secret, "", look[1:]...); a.header.Get("Set-Cookie") != "" {
			t.Fatalf("%v used the link up", look)
		}
	}

	var opened, refused atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		c := browser(t)
		wg.Go(func() {
			switch a := r.send(c, "", "GET", "/login/"+secret, ""); {
			case a.status == http.StatusSeeOther && a.header.Get("Set-Cookie") != "":
				opened.Add(1)
			case a.status == http.StatusUnauthorized && strings.Contains(string(a.body), "The link was used already or has expired."):
				refused.Add(1)
			default:
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if opened.Load() != 1 || refused.Load() != 7 {
		t.Errorf("opened %d, refused %d, want 1 and 7", opened.Load(), refused.Load())
	}
}

func TestLogoutNeedsTheSessionsTokenAndEndsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.loggedIn()
	token, cookie := r.csrfOf(c), r.cookieOf(c)
	forged := []struct {
		name    string
		values  url.Values
		headers []string
	}{
		{"no token", nil, nil},
		{"a wrong token", url.Values{csrfField: {token + "x"}}, nil},
		{"the token of nobody", url.Values{csrfField: {""}}, nil},
		{"the right token from another site", url.Values{csrfField: {token}}, []string{"Sec-Fetch-Site", "cross-site"}},
		{"the right token from another origin", url.Values{csrfField: {token}}, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}},
	}
	for _, f := range forged {
		if a := r.form(c, "/logout", f.values, f.headers...); a.status != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", f.name, a.status)
		}
	}
	if a := r.form(c, "/logout", url.Values{csrfField: {token}}); a.status != http.StatusSeeOther {
		t.Fatalf("logout: status %d: %s", a.status, a.body)
	}
	if _, err := r.gate.Session(t.Context(), cookie); err == nil {
		t.Error("the session works after logout")
	}
}

func TestASessionMayUseTheAPIButChangesNeedItsToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.loggedIn()
	if a := r.send(c, "", "GET", "/api/v1/me", ""); a.status != 200 || a.json()["actor"] != "ewa" {
		t.Errorf("me: status %d: %s", a.status, a.body)
	}
	const complaint = `{"customer_id": "C-1", "text": "warm"}`
	r.send(c, "", "POST", "/api/v1/complaints", complaint, "Sec-Fetch-Site", "same-origin").problem(http.StatusForbidden)
	r.send(c, "", "POST", "/api/v1/complaints", complaint, "Sec-Fetch-Site", "cross-site", csrfHeader, r.csrfOf(c)).problem(http.StatusForbidden)
	if a := r.send(c, "", "POST", "/api/v1/complaints", complaint, "Sec-Fetch-Site", "same-origin", csrfHeader, r.csrfOf(c)); a.status != 201 {
		t.Errorf("with its token: status %d: %s", a.status, a.body)
	}
	// A wrong token is not made good by a good cookie.
	r.send(c, "tt_wrong", "GET", "/api/v1/me", "").problem(http.StatusUnauthorized)
}

func TestPagesSendStrangersToTheLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	guarded := r.server.page(access.Read, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	cases := []struct {
		name, method, target string
		headers              []string
		status               int
		header, value        string
	}{
		{"a page is come back to", "GET", "/tickets?status=new", nil, 303, "Location", "/login?next=%2Ftickets%3Fstatus%3Dnew"},
		{"a change is not repeated", "POST", "/tickets/T-1", nil, 303, "Location", "/login"},
		{"a part of a page sends the whole page", "GET", "/tickets", []string{"HX-Request", "true"}, 401, "HX-Redirect", "/login"},
	}
	for _, c := range cases {
		w := serve(t, guarded, c.method, c.target, c.headers...)
		if w.Code != c.status || w.Header().Get(c.header) != c.value {
			t.Errorf("%s: status %d, %s %q", c.name, w.Code, c.header, w.Header().Get(c.header))
		}
	}
	w := serve(t, guarded, "GET", "/tickets", "Authorization", "Bearer "+r.tokens[access.Admin])
	if w.Code != http.StatusForbidden {
		t.Errorf("a page for a token: status %d, want 403", w.Code)
	}
	quality := r.loggedIn()
	admins := r.server.page(access.Declare, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	w = serve(t, admins, "GET", "/rules", "Cookie", "telltale="+r.cookieOf(quality))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "admin") {
		t.Errorf("a page for another role: status %d, %s", w.Code, w.Body)
	}
}

func TestLoginsAreSlowedDownPerAddress(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := newRigWith(t, Options{Now: func() time.Time { return noon }})
	var limited bool
	for i := range 30 {
		a := r.form(browser(t), "/login", url.Values{"login": {fmt.Sprint("nobody", i)}, "password": {"x"}})
		limited = limited || a.status == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("thirty logins from one address were all tried")
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, path := range []string{"/healthz", "/login", "/api/openapi.json", "/api/v1/me", "/nothing"} {
		h := r.send(browser(t), "", "GET", path, "").header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "script-src 'self';") {
			t.Errorf("%s: CSP %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}
