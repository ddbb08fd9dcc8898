// Package rules decides from what devices report when something is wrong.
//
//	[]Rule --Compile--> Set
//	                     |
//	reports, log time -> Engine.Apply -> next -> []Transition -> tickets
//	log time alone ----> Engine.Tick  ---^
//
// A rule's condition is three-valued: a value that is missing or stale makes
// it unknown, and unknown neither raises nor clears an alarm. A condition
// that has held for the on-delay raises the alarm; a clear condition that has
// held for the off-delay ends it. docs/alarm-life-cycle.md draws the states.
//
// Time is the reports' ObservedAt, never a clock: the same reports at the same
// log times give the same transitions with the same ids, so an engine is
// recovered by a snapshot and a replay. Time alone matters to rules with
// silent() and to escalations; [Engine.NextDeadline] says when they want to
// be told the log time.
//
// A value counts once: a second one of its metric, device and time is a
// duplicate. A report out of order, by no more than the model's lateness, is
// put into its place, and what that changes is told: alarms are amended,
// withdrawn or raised late. Older ones are counted as late and not evaluated.
// At most one alarm of a rule exists on a device. What a reading in order
// costs depends on the rules that watch its metric and on nothing else, and
// evaluating allocates nothing; rules at rest far from their limits are not
// even evaluated (spare.go). Memory is a few hundred bytes for each device
// that has reported, and where there is a lateness, its reports of that time.
//
// Two functions learn: anomaly() what is usual of a device (baseline), and
// cohort_z() what is usual among the devices of a model (cohort). What they
// have learnt is part of the state like any window.
//
// It does no I/O, makes no tickets and knows no customers. Start reading at
// [Rule], then [Engine], then next in alarm.go, which is the state machine;
// engine_late.go is how a device is taken back.
package rules
