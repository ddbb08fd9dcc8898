package ingest

import "time"

// Message is one MQTT PUBLISH as it came in.
type Message struct {
	Topic   string
	Payload []byte // nobody refers to it afterwards
	QoS     byte

	// Cut is how many bytes follow the Payload that were not kept, because with
	// them it is larger than any codec takes.
	Cut int

	// Retained says that the message comes out of a broker's memory and may be
	// old, not that its sender wanted it retained.
	Retained bool

	// Replayed says that the message was refused before and comes out of
	// quarantine.
	Replayed bool

	// Relayed says that it comes from a broker, which cannot hold up one device
	// without the others.
	Relayed bool

	ClientID   string // of the MQTT session that sent it; "" when unknown
	ReceivedAt time.Time
}
