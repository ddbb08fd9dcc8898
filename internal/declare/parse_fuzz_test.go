package declare_test

import (
	"encoding/json"
	"testing"

	"telltale/internal/declare"
)

// FuzzParseSources: whatever is in a file, the reader neither panics nor
// accepts what it could not read back from its own specs.
func FuzzParseSources(f *testing.F) {
	seed(f, "testdata/*.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := declare.ParseSources(declare.Source{Name: "fuzz.yaml", Text: text})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		specs := specsOf(t, set)
		again, err := declare.Diff(specs, set)
		if err != nil {
			t.Fatal(err)
		}
		if !again.Empty() {
			t.Errorf("differs from itself:\n%s", again)
		}
		for ref, spec := range specs {
			if got := reencode(t, ref.Kind, spec); string(got) != string(spec) {
				t.Errorf("%s\n in: %s\nout: %s", ref, spec, got)
			}
		}
		_ = set.Check(declare.Known{})
	})
}

func specsOf(t testing.TB, set *declare.Set) map[declare.Ref]json.RawMessage {
	t.Helper()
	plan, err := declare.Diff(nil, set)
	if err != nil {
		t.Fatal(err)
	}
	specs := make(map[declare.Ref]json.RawMessage)
	for _, change := range plan.Changes {
		specs[change.Ref] = change.Spec
	}
	return specs
}
