package console

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"telltale/internal/access"
)

// registerLogin serves the ways in and out. What they look like is the
// business of renderLogin.
func (s *Server) registerLogin(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		s.renderLogin(w, r, http.StatusOK, "")
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /login/{secret}", s.openLink)
	mux.Handle("POST /logout", s.page(access.Read, s.logout))
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	// There is no session yet whose token could be checked. That the request
	// comes from our own page keeps others from logging a person in as
	// somebody else.
	if s.origin.Check(r) != nil {
		s.renderLogin(w, r, http.StatusForbidden, "The login did not come from this site. Try again here.")
		return
	}
	cookie, err := s.deps.Access.Login(r.Context(), r.PostFormValue("login"), r.PostFormValue("password"), s.address(r))
	if err != nil {
		status, sentence := s.judge(r.Context(), err)
		s.renderLogin(w, r, status, sentence)
		return
	}
	s.letIn(w, r, cookie, localPath(r.PostFormValue("next")))
}

// openLink uses a one-time link up. A browser that only looks ahead (HEAD,
// prefetch, prerender) must not: the person would find the link used.
func (s *Server) openLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet || r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") == "prefetch" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	cookie, err := s.deps.Access.OpenLink(r.Context(), r.PathValue("secret"), s.address(r))
	if err != nil {
		status, sentence := s.judge(r.Context(), err)
		if errors.Is(err, access.ErrDenied) {
			sentence = "The link was used already or has expired. Log in with your password, or ask for a new link."
		}
		s.renderLogin(w, r, status, sentence)
		return
	}
	s.letIn(w, r, cookie, "/")
}

// letIn ends the session the browser came with, if any, and sends it on with
// the new one.
func (s *Server) letIn(w http.ResponseWriter, r *http.Request, cookie, next string) {
	if old, err := r.Cookie(s.cookieName(r)); err == nil {
		if err := s.deps.Access.Logout(r.Context(), old.Value); err != nil {
			s.judge(r.Context(), err) // logged; the new session stands
		}
	}
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(r), Value: cookie, Path: "/",
		HttpOnly: true, Secure: s.isSecure(r), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	name := s.cookieName(r)
	if cookie, err := r.Cookie(name); err == nil {
		if err := s.deps.Access.Logout(r.Context(), cookie.Value); err != nil {
			status, sentence := s.judge(r.Context(), err)
			s.renderError(w, r, status, sentence)
			return
		}
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: s.isSecure(r), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// cookieName is that of the session cookie. Over https the prefix makes
// browsers refuse it from any other host or path (RFC 6265bis, 4.1.3.2).
func (s *Server) cookieName(r *http.Request) string {
	if s.isSecure(r) {
		return "__Host-telltale"
	}
	return "telltale"
}

// isSecure reports whether the browser's side of the connection is https.
func (s *Server) isSecure(r *http.Request) bool {
	return s.secure || r.TLS != nil || s.opts.TrustProxy && r.Header.Get("X-Forwarded-Proto") == "https"
}

// address is where the request comes from. Of X-Forwarded-For only the last
// entry is our proxy's word; the others are the client's.
func (s *Server) address(r *http.Request) string {
	if s.opts.TrustProxy {
		parts := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if last := strings.TrimSpace(parts[len(parts)-1]); last != "" {
			return last
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// localPath returns next if it is a path on this site, else "/". What a
// browser would read as another host ("//x", "/\x") is none.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
