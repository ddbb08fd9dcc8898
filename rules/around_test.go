package rules

import (
	"bytes"
	"testing"
	"time"

	"telltale/devices"
)

// siteSet has two fridges and a power meter at one site, and a fridge at
// another; the fridges are behind gateway-1, which is a device of its own.
func siteSet(t testing.TB, all ...Rule) *Set { return lateSiteSet(t, 0, all...) }

// lateSiteSet is a site set whose reports may be late.
func lateSiteSet(t testing.TB, lateness time.Duration, all ...Rule) *Set {
	t.Helper()
	fridge := fridge()
	fridge.Lateness = lateness
	meter := &devices.Model{ID: "PM-1", Metrics: map[string]devices.Metric{"volts": {Name: "volts", Unit: "V"}}, ReportEvery: time.Minute, Lateness: lateness}
	gateway := &devices.Model{ID: "GW-1", Metrics: map[string]devices.Metric{"uplink": {Name: "uplink", Unit: "bool"}}, ReportEvery: time.Minute, Lateness: lateness}
	set, err := Compile(all, devices.NewDirectory(1, []*devices.Model{fridge, meter, gateway}, []*devices.Device{
		{ID: fridgeID, Model: "FR-200", Site: "Warsaw", Gateway: "gateway-1"},
		{ID: "fridge-2", Model: "FR-200", Site: "Warsaw", Gateway: "gateway-1"},
		{ID: "fridge-3", Model: "FR-200", Site: "Gdansk", Gateway: "gateway-1"},
		{ID: "fridge-4", Model: "FR-200"},
		{ID: "meter-1", Model: "PM-1", Site: "Warsaw"},
		{ID: "gateway-1", Model: "GW-1"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func powerLost() Rule {
	return Rule{ID: "power-lost", When: "volts < 100", AppliesTo: Selector{Models: []string{"PM-*"}}}
}

func warmUnless(by Inhibitor) Rule {
	return Rule{ID: "warm", Version: 1, When: "temperature > 8", AppliesTo: Selector{Models: []string{"FR-*"}}, InhibitedBy: []Inhibitor{by}}
}

func (s *story) say(n float64, id devices.ID, metric string, v any) {
	s.t.Helper()
	s.apply(n, reportOf(id, minute(n), map[string]any{metric: v}))
}

func TestAnAlarmHoldsBackThoseOfItsSite(t *testing.T) {
	t.Parallel()
	s := &story{t: t, engine: NewEngine(siteSet(t, powerLost(), warmUnless(Inhibitor{"power-lost", SameSite})))}
	s.say(0, "meter-1", "volts", 0)
	s.say(1, fridgeID, "temperature", 9)
	s.say(1, "fridge-3", "temperature", 9) // another site
	s.say(1, "fridge-4", "temperature", 9) // no site
	if state, _ := s.engine.State(fridgeID, "warm"); state.HeldBackBy != "power-lost" {
		t.Errorf("state %+v", state)
	}
	says(t, s.got[1], "Held back while power-lost at site Warsaw was active.")
	s.say(2, "meter-1", "volts", 230)
	s.say(3, fridgeID, "temperature", 9)
	s.want(
		change{"power-lost", "raised", 0}, change{"warm", "suppressed", 1}, change{"warm", "raised", 1}, change{"warm", "raised", 1},
		change{"power-lost", "cleared", 2}, change{"warm", "raised", 3},
	)
	says(t, s.last(Raised), "Held back from 10:01:00 UTC, while power-lost at site Warsaw was active.")
}

func TestAnAlarmOfTheGatewayHoldsBackThoseBehindIt(t *testing.T) {
	t.Parallel()
	lost := Rule{ID: "uplink-lost", When: "not uplink", AppliesTo: Selector{Models: []string{"GW-*"}}}
	s := &story{t: t, engine: NewEngine(siteSet(t, lost, warmUnless(Inhibitor{"uplink-lost", SameGateway})))}
	s.say(0, "gateway-1", "uplink", false)
	s.say(1, "fridge-3", "temperature", 9)
	s.say(1, "fridge-4", "temperature", 9)
	s.want(change{"uplink-lost", "raised", 0}, change{"warm", "suppressed", 1}, change{"warm", "raised", 1})
	says(t, s.got[1], "while uplink-lost behind gateway gateway-1 was active")
}

// A device that stays silent after the power is back has an alarm of its own,
// although nothing arrives from it.
func TestASilentDeviceIsAlarmedWhenTheInhibitorHasGone(t *testing.T) {
	t.Parallel()
	quiet := Rule{ID: "quiet", When: `silent("5m")`, AppliesTo: Selector{Models: []string{"FR-*"}}, InhibitedBy: []Inhibitor{{"power-lost", SameSite}}}
	s := &story{t: t, engine: NewEngine(siteSet(t, powerLost(), quiet))}
	s.say(0, fridgeID, "temperature", 4)
	for n := 1; n <= 15; n++ {
		volts := 0
		if n == 15 {
			volts = 230
		}
		s.say(float64(n), "meter-1", "volts", volts)
	}
	s.want(change{"power-lost", "raised", 1}, change{"quiet", "suppressed", 5}, change{"power-lost", "cleared", 15}, change{"quiet", "raised", 15})
}

// What holds a silent device back in two places lets it go with the second.
func TestASilentDeviceHeldInTwoPlacesIsAlarmedWhenBothHaveGone(t *testing.T) {
	t.Parallel()
	lost := Rule{ID: "uplink-lost", When: "not uplink", AppliesTo: Selector{Models: []string{"GW-*"}}}
	quiet := Rule{ID: "quiet", When: `silent("5m")`, AppliesTo: Selector{Models: []string{"FR-*"}},
		InhibitedBy: []Inhibitor{{"power-lost", SameSite}, {"uplink-lost", SameGateway}}}
	s := &story{t: t, engine: NewEngine(siteSet(t, powerLost(), lost, quiet))}
	s.say(0, fridgeID, "temperature", 4)
	s.say(1, "meter-1", "volts", 0)
	s.say(1, "gateway-1", "uplink", false)
	for n := 2.0; n <= 6; n++ {
		s.tick(n)
	}
	s.say(7, "meter-1", "volts", 230)
	s.tick(8)
	s.say(9, "gateway-1", "uplink", true)
	s.want(change{"power-lost", "raised", 1}, change{"uplink-lost", "raised", 1}, change{"quiet", "suppressed", 5},
		change{"power-lost", "cleared", 7}, change{"uplink-lost", "cleared", 9}, change{"quiet", "raised", 9})
}

func TestOtherEnginesAlarmsHoldBackAsWell(t *testing.T) {
	t.Parallel()
	quiet := Rule{ID: "quiet", When: `silent("5m")`, AppliesTo: Selector{Models: []string{"FR-*"}}, InhibitedBy: []Inhibitor{{"power-lost", SameSite}}}
	set := siteSet(t, powerLost(), warmUnless(Inhibitor{"power-lost", SameSite}), quiet)
	s := &story{t: t, engine: NewEngine(set)}
	s.engine.Inhibit(set.PlacesOf(Key{"power-lost", Subject{"device", "meter-1"}}))
	s.say(0, fridgeID, "temperature", 9)
	s.engine = restored(t, s.engine, set)
	s.say(1, fridgeID, "temperature", 9)
	s.tick(8)
	s.want(change{"warm", "suppressed", 0}, change{"quiet", "suppressed", 6})

	s.engine.Inhibit(nil)
	if deadline, ok := s.engine.NextDeadline(); !ok || deadline.After(minute(8.01)) {
		t.Errorf("the silent one is asked at %v", deadline)
	}
	s.tick(9)
	s.say(9, fridgeID, "temperature", 9)
	s.want(change{"warm", "suppressed", 0}, change{"quiet", "suppressed", 6},
		change{"quiet", "raised", 8}, change{"quiet", "cleared", 9}, change{"warm", "raised", 9})
}

func TestInhibitorsAreCountedAgainAfterARestart(t *testing.T) {
	t.Parallel()
	set := siteSet(t, powerLost(), warmUnless(Inhibitor{"power-lost", SameSite}))
	s := &story{t: t, engine: NewEngine(set)}
	s.say(0, "meter-1", "volts", 0)
	s.engine = restored(t, s.engine, set)
	s.say(1, fridgeID, "temperature", 9)
	s.engine = restored(t, s.engine, set)
	s.say(2, "meter-1", "volts", 230)
	s.say(3, fridgeID, "temperature", 9)
	s.want(change{"power-lost", "raised", 0}, change{"warm", "suppressed", 1}, change{"power-lost", "cleared", 2}, change{"warm", "raised", 3})
	if !bytes.Equal(s.engine.Snapshot(nil), restored(t, s.engine, set).Snapshot(nil)) {
		t.Error("the snapshot is not the state")
	}
}

func TestARuleOnTrialHoldsBackNobodyAtItsSite(t *testing.T) {
	t.Parallel()
	lost := powerLost()
	lost.Mode = Shadow
	s := &story{t: t, engine: NewEngine(siteSet(t, lost, warmUnless(Inhibitor{"power-lost", SameSite})))}
	s.say(0, "meter-1", "volts", 0)
	s.say(1, fridgeID, "temperature", 9)
	s.want(change{"power-lost", "raised", 0}, change{"warm", "raised", 1})
}
