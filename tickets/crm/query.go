package crm

// Query selects customers for a list, ordered by id. Empty fields select all.
type Query struct {
	Tier  string
	After string // the list goes on behind this id
	Limit int    // at most so many; zero: all
}
