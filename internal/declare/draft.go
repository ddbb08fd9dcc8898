package declare

// Draft is declarations as somebody is writing them: what can be read of them
// and what is wrong so far. Its use is to say all that is wrong at once, where
// [Parse] and [Set.Check] stop at each other's faults.
type Draft struct {
	set      *Set
	flawed   []flaw
	faults   Errors
	readable *Set // set, and what of flawed can be looked at further
}

// ReadDraft reads texts. It always succeeds: see [Draft.Check].
func ReadDraft(sources ...Source) *Draft {
	d := &Draft{}
	d.set, d.flawed, d.faults = parseSources(sources)
	d.readable = d.set.withReadable(d.flawed)
	return d
}

// Set returns the declarations, or all faults that reading found, as [Errors].
func (d *Draft) Set() (*Set, error) {
	if err := d.faults.orNil(); err != nil {
		return nil, err
	}
	return d.set, nil
}

// Readable returns the declarations as far as they can be understood, also
// those with faults. It is what to look up for [Draft.Check].
func (d *Draft) Readable() *Set { return d.readable }

// Check finds all that is wrong with the draft among what is declared already,
// and what is valid but probably not meant. Faults come back as [Errors]; with
// faults there are no warnings.
func (d *Draft) Check(known Known) (warnings Errors, err error) {
	faults := append(Errors(nil), d.faults...)
	d.readable.checkReferences(known, &faults)
	d.set.checkLoggers(known, &faults)
	d.set.checkDecoders(known, &faults)
	d.checkRules(known, &faults)
	if err := faults.orNil(); err != nil {
		return nil, err
	}
	return d.set.warnings(known), nil
}

// checkRules looks at conditions and tests, and says nothing about a key that
// the reader has found fault with.
func (d *Draft) checkRules(known Known, faults *Errors) {
	var found Errors
	d.readable.checkTests(&found)
	d.readable.checkRules(known, &found)
	for _, fault := range found {
		if !alreadySaid(d.flawed, fault) {
			*faults = append(*faults, fault)
		}
	}
}
