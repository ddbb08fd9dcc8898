package faults

func shiftClock(string) error { return nil }
