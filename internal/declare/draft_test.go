package declare_test

import (
	"errors"
	"testing"

	"telltale/devices"
	"telltale/internal/declare"
	"telltale/rules"
)

func known() declare.Known {
	return declare.Known{
		Models: []*devices.Model{{ID: "FR-200", ReportEvery: 60e9, Metrics: map[string]devices.Metric{"temperature": {Name: "temperature", Unit: "Cel"}}}},
		Rules:  []*rules.Rule{{ID: "power-lost", When: "temperature > 70", Mode: rules.Live}},
	}
}

func TestADraftsFaultsComeAllAtOnceAndAgainstWhatIsDeclared(t *testing.T) {
	t.Parallel()
	draft := declare.ReadDraft(declare.Source{Name: "draft", Text: []byte(`kind: Rule
id: warm
when: temprature > 8
for: soon
ticket: {article: KB-1}
tests: [{device: {id: a}}]
`)})
	_, err := draft.Check(known())
	const want = `draft:3:7: Rule warm: when: unknown metric "temprature" (did you mean "temperature"?)
draft:4:6: Rule warm: for: "soon" is not a duration (write 90s, 10m, 36h or 7d)
draft:5:19: Rule warm: ticket: there is no Article KB-1
draft:6:9: Rule warm: tests: the test expects nothing
draft:6:18: Rule warm: tests: a device needs an id and a model`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := draft.Set(); err == nil {
		t.Error("a draft with faults is a set")
	}
}

func TestAValidDraftIsWarnedOf(t *testing.T) {
	t.Parallel()
	draft := declare.ReadDraft(declare.Source{Name: "draft", Text: []byte("kind: Rule\nid: warm\napplies_to: {models: [FZ-*]}\nwhen: temperature > 8\n")})
	warnings, err := draft.Check(known())
	if err != nil || len(warnings) != 1 || warnings[0].Error() != "draft:3:13: Rule warm: applies_to: no declared model matches" {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestASetMayExpectTheVersionItWasMadeFrom(t *testing.T) {
	t.Parallel()
	set, err := declare.ParseSources(declare.Source{Text: []byte("kind: Rule\nid: warm\nwhen: a > 1\n")})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.CheckExpected(nil); err != nil {
		t.Errorf("expects nothing, and yet %v", err)
	}
	set.Expect("warm", 2)
	var stale *declare.StaleError
	for have, want := range map[int]string{
		0: "there is no rule warm", 2: "", 3: "rule warm is in version 3 by now, and the change was made from version 2",
	} {
		err := set.CheckExpected(map[string]int{"warm": have})
		if want == "" && err != nil || want != "" && (!errors.As(err, &stale) || !errors.Is(err, declare.ErrStale) || err.Error() != want) {
			t.Errorf("version %d: %v, want %q", have, err, want)
		}
	}
}

// FuzzDraft: whatever somebody types, a draft says what is wrong with it in
// words, or is a set whose tests can be read.
func FuzzDraft(f *testing.F) {
	seed(f, "testdata/rule*.yaml")
	seed(f, "testdata/lint/*.yaml")
	f.Add([]byte(writtenRule))
	f.Fuzz(func(t *testing.T, text []byte) {
		draft := declare.ReadDraft(declare.Source{Text: text})
		_, err := draft.Check(known())
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		set, err := draft.Set()
		if err != nil {
			t.Fatalf("valid, and yet %v", err)
		}
		for _, r := range set.Rules {
			if own, faults := set.Tests(r); len(faults) > 0 || (own == nil) != (r.Tests == "") {
				t.Errorf("tests of %s: %v", r.ID, faults)
			}
			rules.Summarize(r, known().Models)
		}
	})
}
