package console

import (
	"cmp"
	"net/http"
	"net/url"
)

// renderLogin shows the form that posts login, password and next to /login,
// with a sentence about why the last attempt was refused, if it was.
func (s *Server) renderLogin(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	page := struct {
		*chrome
		Sentence, Login, Next string
	}{s.bareFrame(r, "Log in"), sentence, "", "/"}
	if r != nil {
		page.Login = r.PostFormValue("login")
		page.Next = localPath(cmp.Or(r.URL.Query().Get("next"), r.PostFormValue("next"), "/"))
	}
	s.render(w, status, "login", "lone", page)
}

// renderError shows a page that says what went wrong and leads on.
func (s *Server) renderError(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	headings := map[int]string{
		http.StatusNotFound:            "Nothing here",
		http.StatusForbidden:           "Not permitted",
		http.StatusConflict:            "Not possible now",
		http.StatusUnprocessableEntity: "That cannot be done",
		http.StatusBadRequest:          "That cannot be done",
		http.StatusServiceUnavailable:  "Not right now",
	}
	page := struct {
		*chrome
		Status                            int
		Heading, Sentence, Back, BackText string
	}{s.bareFrame(r, "Problem"), status, cmp.Or(headings[status], "Something went wrong"), sentence, "/", "Go to the overview"}
	layout := "lone"
	if r != nil && status < http.StatusInternalServerError {
		// Who is logged in keeps the navigation, as long as it can be read.
		if _, known := sessionOf(r.Context()); known {
			if c, _, err := s.frame(r, "Problem", ""); err == nil {
				page.chrome, layout = c, "layout"
			}
		}
	}
	if r != nil && r.Method == http.MethodPost {
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
			page.Back, page.BackText = localPath(from.RequestURI()), "Go back"
		}
	}
	s.render(w, status, "error", layout, page)
}
