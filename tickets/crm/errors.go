package crm

import "errors"

// ErrNotFound says that there is no such customer.
var ErrNotFound = errors.New("crm: customer not found")
