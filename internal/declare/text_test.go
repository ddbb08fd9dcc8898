package declare_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"telltale/internal/declare"
	"telltale/rules"
)

const writtenRule = `kind: Rule
id: fridge-warm
title: Compartment too warm
applies_to: {models: [FR-*], tags: {line: "2"}}
when: |
  temperature > 8
  and not door_open
for: 10m
clear_when: temperature < 7
severity: major
escalate:
  - {after: 30m, severity: critical}
inhibited_by: [site-power-lost]
ticket:
  subject: '{{device.id}}: compartment at {{values.temperature}} °C'
  priority: high
  article: KB-7
mode: live
tests:
  - name: ten minutes are needed
    device: {id: fridge-1, model: FR-200, tags: {line: "2"}}
    every: 1m
    series: {door_open: false, temperature: 4x5 9x11 4x20}
    expect:
      - {at: 12m, state: pending}
      - {at: 15m, state: active, severity: major}
    raised: 1
`

func rule(t testing.TB, text string) *rules.Rule {
	t.Helper()
	set, err := declare.ParseSources(declare.Source{Name: "rule.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(set.Rules) != 1 {
		t.Fatalf("%d rules in %s", len(set.Rules), text)
	}
	return set.Rules[0]
}

func TestARuleIsWrittenAsPeopleWouldWriteIt(t *testing.T) {
	t.Parallel()
	got, err := declare.Text(rule(t, writtenRule))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(writtenRule, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTextsReadBackAsWhatTheyWereWrittenFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawRule(t)
		text, err := declare.Text(want)
		if err != nil {
			t.Fatal(err)
		}
		set, err := declare.ParseSources(declare.Source{Name: "text", Text: []byte(text)})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, set.Rules[0]); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
	})
}

// FuzzText: every rule that can be read can be written, and is then the same.
func FuzzText(f *testing.F) {
	f.Add([]byte(writtenRule))
	seed(f, "testdata/*.good.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := declare.ParseSources(declare.Source{Name: "fuzz.yaml", Text: text})
		if err != nil {
			return
		}
		for _, r := range set.Rules {
			written, err := declare.Text(r)
			if err != nil {
				t.Fatal(err)
			}
			again := rule(t, written)
			before, _ := declare.Encode(r)
			after, _ := declare.Encode(again)
			if !bytes.Equal(before, after) {
				t.Errorf("%s\nbecame\n%s", before, after)
			}
		}
	})
}
