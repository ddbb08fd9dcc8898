package tickets_test

import (
	"errors"
	"fmt"

	"telltale/rules"
	"telltale/tickets"
)

func ExampleCheckTemplate() {
	fmt.Println(tickets.CheckTemplate("{{device.id}}: compartment at {{values.temperature}} °C"))
	err := tickets.CheckTemplate("{{device.id} is warm")
	fmt.Println(err)
	// Output:
	// <nil>
	// placeholder {{device.id} is warm is not closed with }}
}

func ExamplePriorityFor() {
	fmt.Println(tickets.PriorityFor(rules.Major, "standard"))
	fmt.Println(tickets.PriorityFor(rules.Major, "gold"))
	// Output:
	// high
	// urgent
}

func ExampleRefusal() {
	err := tickets.NoTicket("T-000099")
	fmt.Println(err, errors.Is(err, tickets.ErrNotFound))
	// Output:
	// There is no ticket "T-000099". true
}
