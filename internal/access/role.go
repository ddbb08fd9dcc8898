package access

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a user or token is trusted with.
type Role string

// Roles.
const (
	Admin   Role = "admin"   // everything, declarations and access included
	Support Role = "support" // tickets, alarms, complaints
	Quality Role = "quality" // alarms, holds, recalls, complaints
	Viewer  Role = "viewer"  // reads
)

// Roles lists all of them in falling order of trust.
func Roles() []Role { return []Role{Admin, Support, Quality, Viewer} }

// ParseRole returns the role called s.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fmt.Errorf("%w %q: use one of %s", ErrRole, s, joinRoles(Roles(), ", "))
}

// Action is something that needs permission.
type Action string

// Actions, from the mildest to the gravest.
const (
	Read          Action = "read"           // see anything the console shows
	Backtest      Action = "backtest"       // compute a rule over history
	FileComplaint Action = "file_complaint" // record what a customer says
	HandleAlarms  Action = "handle_alarms"  // acknowledge, shelve, unshelve
	WorkTickets   Action = "work_tickets"   // comment, assign, solve
	DecideRecalls Action = "decide_recalls" // propose, sign, close, release holds
	HandleRefused Action = "handle_refused" // replay quarantined messages
	Declare       Action = "declare"        // change rules and all other declarations
)

// Actions lists all of them.
func Actions() []Action {
	return []Action{Read, Backtest, FileComplaint, HandleAlarms, WorkTickets, DecideRecalls,
		HandleRefused, Declare}
}

// May reports whether the role permits the action. An unknown role or action
// is never permitted.
func (r Role) May(a Action) bool { return slices.Contains(RolesFor(a), r) }

// RolesFor lists the roles that permit the action, most trusted first; nil
// for an unknown action. It is the one table of permissions.
func RolesFor(a Action) []Role {
	switch a {
	case Read:
		return Roles()
	case Backtest, FileComplaint, HandleAlarms:
		return []Role{Admin, Support, Quality}
	case WorkTickets:
		return []Role{Admin, Support}
	case DecideRecalls:
		return []Role{Admin, Quality}
	case HandleRefused, Declare:
		return []Role{Admin}
	default:
		return nil
	}
}

// Need says in words which role permits the action: "admin or quality".
func Need(a Action) string { return joinRoles(RolesFor(a), " or ") }

func joinRoles(roles []Role, sep string) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, sep)
}
