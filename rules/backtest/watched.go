package backtest

import (
	"regexp"
	"slices"

	"telltale/devices"
	"telltale/rules"
)

// peers finds conditions that look at the other devices of a model.
var peers = regexp.MustCompile(`\bcohort_z\b`)

// Watched returns the devices whose history a run needs, ascending: those that
// a rule on trial, one to compare with, or one that inhibits them is applied
// to, and all of a model where a condition looks at a device's peers.
func (in *Input) Watched(directory *devices.Directory) []devices.ID {
	played := slices.Concat(in.Rules, in.Against)
	played = append(played, inhibitors(in.Beside, played)...)
	wholeModels := make(map[string]bool)
	var ids []devices.ID
	for d := range directory.Devices() {
		watched := false
		for i := range played {
			if r := &played[i]; r.Mode != rules.Off && r.AppliesTo.Selects(d.Model, d.Tags) {
				watched = true
				wholeModels[d.Model] = wholeModels[d.Model] || peers.MatchString(r.When)
			}
		}
		if watched {
			ids = append(ids, d.ID)
		}
	}
	for d := range directory.Devices() {
		if wholeModels[d.Model] {
			ids = append(ids, d.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
