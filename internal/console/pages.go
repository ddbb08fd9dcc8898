package console

import (
	"html/template"
	"net/http"
)

// registerPages adds the pages for people.
func (s *Server) registerPages(mux *http.ServeMux) {}

// renderLogin shows the form that posts login, password and next to /login,
// with a sentence about why the last attempt was refused, if it was.
func (s *Server) renderLogin(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
	s.renderError(w, nil, status, sentence)
}

// renderError shows a page that says what went wrong.
func (s *Server) renderError(w http.ResponseWriter, _ *http.Request, status int, sentence string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!doctype html><title>Telltale</title><p>" + template.HTMLEscapeString(sentence)))
}
