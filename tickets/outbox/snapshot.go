package outbox

// Snapshot says which transactions were running when events were read. An
// event gets its position before its transaction commits, so one with a lower
// position may appear later; the snapshot tells until when.
type Snapshot struct {
	Oldest uint64 // every transaction before it had ended, and its events were seen
	Next   uint64 // every transaction from it on had not begun
}
