package tickets

// Types of the events that this package tells. Data is an [AlarmView] or a
// [View], as things were at that moment; the timeline of the latter has the
// lines that led to the event.
const (
	EventAlarmRaised       = "alarm.raised"
	EventAlarmEscalated    = "alarm.escalated"
	EventAlarmCleared      = "alarm.cleared"
	EventAlarmAcknowledged = "alarm.acknowledged"
	EventAlarmShelved      = "alarm.shelved"
	EventTicketOpened      = "ticket.opened"
	EventTicketUpdated     = "ticket.updated"
	EventTicketSolved      = "ticket.solved"
	EventTicketClosed      = "ticket.closed"
)
