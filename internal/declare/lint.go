package declare

import (
	"slices"
	"strings"

	"telltale/devices"
	"telltale/rules"
)

// Lint reads files like [Parse], and finds all that is wrong with them by
// themselves: one declaration's fault does not hide another's, nor does one key
// of a rule hide its conditions. What the files name but do not hold is taken
// as declared elsewhere. The error is [Errors]; without one, the set is what
// the files declare and warnings are what is valid but probably not meant.
func Lint(paths ...string) (set *Set, warnings Errors, err error) {
	sources, err := ReadSources(paths...)
	if err != nil {
		return nil, nil, err
	}
	return LintSources(sources...)
}

// LintSources is [Lint] for texts that are at hand.
func LintSources(sources ...Source) (set *Set, warnings Errors, err error) {
	draft := ReadDraft(sources...)
	faults := slices.Clone(draft.faults)
	draft.set.checkLoggers(Known{}, &faults)
	draft.checkRules(Known{}, &faults)
	if err := faults.orNil(); err != nil {
		return nil, nil, err
	}
	return draft.set, draft.set.warnings(Known{}), nil
}

// withReadable returns the set with those flawed rules and models that can be
// looked at further.
func (s *Set) withReadable(flawed []flaw) *Set {
	all := s.Without(nil)
	taken := make(map[Ref]bool)
	for _, ref := range all.Refs() {
		taken[ref] = true
	}
	for _, f := range flawed {
		ref := refOf(f.declaration)
		if taken[ref] || ref.ID == "" {
			continue
		}
		switch f.declaration.(type) {
		case *rules.Rule:
			if f.in("applies_to") {
				continue // it is not known whose metrics the conditions are about
			}
		case *devices.Model:
		default:
			continue
		}
		taken[ref] = true
		all.add(f.declaration, f.doc)
	}
	return all
}

// in reports whether a fault is about a top-level key or something below it.
func (f flaw) in(key string) bool {
	return slices.ContainsFunc(f.faults, func(fault *Error) bool { return topLevel(fault.Field) == key })
}

func topLevel(field string) string {
	key, _, _ := strings.Cut(field, ".")
	key, _, _ = strings.Cut(key, "[")
	return key
}

// alreadySaid reports whether the reader has found something about the same
// key: an empty condition is missing, not wrong.
func alreadySaid(flawed []flaw, fault *Error) bool {
	for _, f := range flawed {
		if refOf(f.declaration) != fault.Ref {
			continue
		}
		r, isRule := f.declaration.(*rules.Rule)
		return f.in(fault.Field) || isRule && fault.Field == "when" && strings.TrimSpace(r.When) == ""
	}
	return false
}

// warnings returns what is valid but probably not meant.
func (s *Set) warnings(known Known) Errors {
	var all Errors
	list := make([]rules.Rule, len(s.Rules))
	var ids []string
	for i, r := range s.Rules {
		list[i] = *r
		ids = append(ids, r.ID)
	}
	compiled, err := rules.Compile(list, devices.NewDirectory(0, overlaid(known.Models, s.Models, modelID), nil))
	if err != nil {
		return nil // which has been reported
	}
	for _, w := range compiled.Warnings() {
		all = append(all, s.conditionFault(w))
	}
	for _, r := range known.Rules {
		ids = append(ids, r.ID)
	}
	for _, r := range s.Rules {
		for _, by := range r.InhibitedBy {
			id := by.Rule
			near := suggestion(id, ids)
			if slices.Contains(ids, id) || near == "" {
				continue
			}
			warning := s.fault(Ref{KindRule, r.ID}, "inhibited_by", "these files hold no rule %q%s", id, near)
			s.narrow(warning, id)
			all = append(all, warning)
		}
	}
	_ = all.orNil() // puts them in order
	return all
}
