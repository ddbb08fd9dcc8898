package tickets

// Types of the events that this package tells. Data is an [AlarmView] or a
// [View], as things were at that moment; the timeline of the latter has the
// lines that led to the event.
const (
	EventAlarmRaised       = "alarm.raised"
	EventAlarmEscalated    = "alarm.escalated"
	EventAlarmDeescalated  = "alarm.deescalated"
	EventAlarmCleared      = "alarm.cleared"
	EventAlarmAmended      = "alarm.amended"   // by late readings: another onset, end or severity
	EventAlarmWithdrawn    = "alarm.withdrawn" // by late readings: it would not have been raised
	EventAlarmAcknowledged = "alarm.acknowledged"
	EventAlarmShelved      = "alarm.shelved"
	EventAlarmShelfEnding  = "alarm.shelf_ending" // some time before a shelf ends by itself
	EventAlarmUnshelved    = "alarm.unshelved"    // by its time or by a person; the condition still holds
	EventTicketOpened      = "ticket.opened"
	EventTicketUpdated     = "ticket.updated"
	EventTicketSolved      = "ticket.solved"
	EventTicketClosed      = "ticket.closed"
)
