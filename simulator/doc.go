// Package simulator is a fleet of appliances that misbehaves on purpose, the
// same way every time for one seed.
//
//	Scenario --NewFleet--> Fleet.Step(t) --reports--> Publisher --MQTT--> broker
//	                          ^                                (paho, like any device)
//	           Clock.At(now) -+
//
// The physics is plain enough to read: heat leaks into a cold cabinet, a
// compressor with hysteresis pumps it out, an open door and a defrost warm
// it; a washer runs its programme. Faults stand on a timeline and either
// change the machine (compressor, door, power, heater, leak), its sensors
// (stuck, spike, bias, drift, noise), its fault codes (code) or its
// connection (dropout).
//
// [Fleet.Step] is pure: it does no I/O, and its reports depend on the
// scenario alone, not on how often it is called. [Clock] runs simulated time
// faster than the wall clock until it has caught up, and never ahead of it.
// [Publisher] keeps what the broker has not acknowledged and sends it again,
// in order, after a reconnect.
//
// Start reading at [Scenario], then [Fleet], then cabinet.go.
package simulator
