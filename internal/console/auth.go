package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"telltale/internal/access"
)

// Who asks travels in the request's context, put there by identify.
type (
	principalKey struct{}
	sessionKey   struct{}
)

// principalOf returns who asks. Behind [Server.page] and the API it is always
// there.
func principalOf(ctx context.Context) (access.Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(access.Principal)
	return p, ok
}

// sessionOf returns the browser session that asks, if it is one. Pages need
// its CSRF token in every form.
func sessionOf(ctx context.Context) (access.Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(access.Session)
	return s, ok
}

// actorOf names who asks in timelines and signatures.
func actorOf(ctx context.Context) string {
	p, _ := principalOf(ctx)
	return p.Actor
}

// identify finds out who asks, by bearer token or else by cookie, and returns
// the request with the answer in its context. A wrong token is refused even
// beside a good cookie: the client meant the token.
func (s *Server) identify(r *http.Request) (*http.Request, error) {
	ctx := r.Context()
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return r, access.ErrDenied
		}
		p, err := s.deps.Access.Token(ctx, strings.TrimSpace(secret))
		if err != nil {
			return r, err
		}
		return r.WithContext(context.WithValue(ctx, principalKey{}, p)), nil
	}
	cookie, err := r.Cookie(s.cookieName(r))
	if err != nil {
		return r, access.ErrDenied
	}
	session, err := s.deps.Access.Session(ctx, cookie.Value)
	if err != nil {
		return r, err
	}
	ctx = context.WithValue(ctx, sessionKey{}, session)
	ctx = context.WithValue(ctx, principalKey{}, session.Principal)
	return r.WithContext(ctx), nil
}

// csrfHeader carries the session's token on requests made by scripts; forms
// send csrfField instead.
const (
	csrfHeader = "X-CSRF-Token"
	csrfField  = "csrf_token"
)

// forged says whether a request that changes something may have been caused
// by another site. Tokens are never sent by a browser on its own, so only
// sessions are checked: by where the request comes from, and by the secret
// that only our own pages know.
func (s *Server) forged(r *http.Request) bool {
	session, ok := sessionOf(r.Context())
	if !ok || safeMethod(r.Method) {
		return false
	}
	if s.origin.Check(r) != nil {
		return true
	}
	token := r.Header.Get(csrfHeader)
	if token == "" && !strings.HasPrefix(r.URL.Path, "/api/") {
		token = r.PostFormValue(csrfField)
	}
	return !session.CheckCSRF(token)
}

func safeMethod(m string) bool {
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}

// maxForm bounds the body of a page request.
const maxForm = 1 << 20

// page guards a page: it needs a session whose role permits a. Without one
// the browser is sent to the login page and comes back afterwards. A request
// that changes something must also prove that one of our pages made it.
func (s *Server) page(a access.Action, h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		r, err := s.identify(r)
		switch session, _ := sessionOf(r.Context()); {
		case errors.Is(err, access.ErrDenied):
			s.toLogin(w, r)
		case err != nil:
			status, sentence := s.judge(r.Context(), err)
			s.renderError(w, r, status, sentence)
		case s.forged(r):
			s.renderError(w, r, http.StatusForbidden, "This form is out of date or did not come from this site. Reload the page and try again.")
		case session.Actor == "":
			s.renderError(w, r, http.StatusForbidden, "Pages need a login; tokens are for the API.")
		case !session.Can(a):
			s.renderError(w, r, http.StatusForbidden, forbidden(session.Principal, a))
		default:
			h(w, r)
		}
	})
}

// toLogin sends a browser to the login page. htmx follows HX-Redirect with
// the whole page; an ordinary redirect would put the login form into a corner.
func (s *Server) toLogin(w http.ResponseWriter, r *http.Request) {
	target := "/login"
	if safeMethod(r.Method) && r.URL.RequestURI() != "/" {
		target += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	if r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Redirect", "/login")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// forbidden says what is missing.
func forbidden(p access.Principal, a access.Action) string {
	return "This needs the role " + access.Need(a) + "; " + p.Actor + " has the role " + string(p.Role) + "."
}
