package views

// DefaultLimit is how many rows a list shows when its query does not say.
const DefaultLimit = 50

// Page is one stretch of a list.
type Page[T any] struct {
	Rows []T
	Next string // cursor of the next page; "" at the end
}
