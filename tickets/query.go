package tickets

import "time"

// Query selects tickets for a list, newest first. Empty fields select all.
type Query struct {
	Statuses []Status // any of them
	Customer string
	Device   string
	Rule     string
	After    string // the list goes on behind this ticket id, with older ones
	Limit    int    // at most so many; zero: all
}

// AlarmQuery selects alarms for a list, latest raised first. Empty fields
// select all.
type AlarmQuery struct {
	Active  *bool // whether the condition holds
	Shelved *bool // whether a person has put it aside, at the time Now
	Now     time.Time
	Device  string
	Rule    string
	After   string // the list goes on behind this alarm id, with older ones
	Limit   int    // at most so many; zero: all
}
