package views

import (
	"time"

	"telltale/rules"
)

// RuleHealth is how a rule fares in all partitions together: the worst of them.
type RuleHealth struct {
	State  rules.HealthState `json:"state" enum:"ok,degraded,error"`
	Reason string            `json:"reason,omitempty"`
	Since  *time.Time        `json:"since,omitempty" doc:"when it came into this state; absent while it is ok"`
	Device string            `json:"device,omitempty" doc:"of the last failure"`
	Count  int64             `json:"count,omitempty" doc:"failures since then"`
}
