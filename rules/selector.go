package rules

// Selects reports whether a rule with this selector watches a device of the
// model with these tags.
func (s Selector) Selects(model string, tags map[string]string) bool {
	return s.matches(model) && s.accepts(tags)
}
