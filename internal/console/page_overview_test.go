package console

import (
	"net/http"
	"strings"
	"testing"
)

func TestAnAlarmOnTheShelfStandsThereAlone(t *testing.T) {
	t.Parallel()
	r := newStory(t)
	c := r.as("anna")
	count := func(page string) int { return strings.Count(page, `href="/alarms/alm-fridge-04"`) }
	if before := r.visit(c, http.StatusOK, "/"); count(before) != 1 || strings.Contains(before, "On the shelf") {
		t.Fatalf("%d times: %s", count(before), said(before))
	}
	r.admin(http.StatusOK, http.MethodPost, "/api/v1/alarms/alm-fridge-04/shelve", `{"for": "2h", "reason": "the fitter is on his way"}`)
	page := r.visit(c, http.StatusOK, "/")
	active, shelf, found := strings.Cut(page, "On the shelf")
	if !found || count(active) != 0 || count(shelf) != 1 || !strings.Contains(shelf, "the fitter is on his way") {
		t.Errorf("%s", said(page))
	}
}
