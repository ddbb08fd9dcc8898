package tickets_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"telltale/rules"
	"telltale/tickets"
)

func TestWhatARaiseWasDecidedByIsKept(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	average := 9.4
	raise := raised("warm", fridge(2), noon)
	raise.Evidence = rules.Evidence{
		Computed: []rules.Computed{{Call: `avg(temperature, "10m")`, Value: &average, Unit: "Cel"}, {Call: "since(mode == \"\x00\xff\")", Unit: "s"}},
		Outlook:  &rules.Outlook{Metric: "temperature", Limit: 12, Unit: "Cel", At: noon.Add(25 * time.Minute), InSeconds: 1500},
		Held:     []rules.Suppression{{By: "door", Why: "while door was active", From: noon.Add(-time.Minute)}},
	}
	s.handle(t, raise)
	want := raise.Evidence
	want.Computed = []rules.Computed{want.Computed[0], {Call: "since(mode == \"\uFFFD\uFFFD\")", Unit: "s"}}
	if diff := cmp.Diff(want, s.alarm(t).Evidence); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheLatestStepsOfALadderAreKept(t *testing.T) {
	t.Parallel()
	s := openShop(t, 3)
	first := raised("warm", fridge(2), noon)
	up, down := at(first, rules.Critical, 10*time.Minute), at(first, rules.Major, 20*time.Minute)
	up.Explanation = []string{"It is 12 degrees.", "That is too much."}
	s.handle(t, first, up, down)
	want := []tickets.SeverityStep{
		{At: noon.Add(10 * time.Minute), From: "major", To: "critical", Why: "It is 12 degrees. That is too much."},
		{At: noon.Add(20 * time.Minute), From: "critical", To: "major", Why: ""},
	}
	got := s.alarm(t).Steps
	want[1].Why = got[1].Why // whatever the helper of the test says
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	for n := range 60 {
		after := time.Duration(30+20*n) * time.Minute
		s.handle(t, at(first, rules.Critical, after), at(first, rules.Major, after+10*time.Minute))
	}
	got = s.alarm(t).Steps
	if len(got) != 50 || !got[49].At.Equal(noon.Add(time.Duration(30+20*59+10)*time.Minute)) {
		t.Errorf("%d steps, the last at %s", len(got), got[len(got)-1].At)
	}
}
