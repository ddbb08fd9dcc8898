// Package devices describes the physical world that Telltale watches: which
// devices exist, what their model can measure, who owned them when, and what
// they reported.
//
//	Model ---< Device ---< Ownership (in time)
//	             |
//	             +--- Report (one instant: readings, fault codes, presence)
//
// It is the leaf of the import graph: every other package may import it and it
// imports none of ours. It performs no I/O and holds no clock.
//
// Start reading at [Report], then [Model], then [Directory].
package devices
