package console

import (
	"fmt"
	"net/http"

	"telltale/internal/declare"
)

// shelfSpan is how long an alarm may be shelved from the page of the alarm.
type shelfSpan struct{ Value, Words string }

// shelfSpans are those to choose from; the interface takes any up to the
// desk's limit.
func shelfSpans() []shelfSpan {
	return []shelfSpan{
		{"1h", "1 hour"}, {"4h", "4 hours"}, {"8h", "8 hours"}, {"1d", "1 day"}, {"3d", "3 days"}, {"7d", "7 days"},
	}
}

// shelveAlarmFromPage puts an alarm aside, as the form on its page says.
func (s *Server) shelveAlarmFromPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	d, err := declare.ParseDuration(r.PostFormValue("for"))
	if err != nil {
		s.renderError(w, r, http.StatusUnprocessableEntity, fmt.Sprintf("For how long? %v.", err))
		return
	}
	_, err = s.deps.Desk.ShelveAlarm(r.Context(), id, actorOf(r.Context()), s.now().Add(d), r.PostFormValue("reason"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, "/alarms/"+id)
}

// unshelveAlarmFromPage takes an alarm off its shelf.
func (s *Server) unshelveAlarmFromPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if _, err := s.deps.Desk.UnshelveAlarm(r.Context(), id, actorOf(r.Context())); err != nil {
		s.fail(w, r, err)
		return
	}
	back(w, r, "/alarms/"+id)
}
