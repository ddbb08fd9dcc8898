package devices

import (
	"fmt"
	"time"
)

// Span returns how long something lasted as people read it, in its two largest
// units, to the second: "1 h 8 min", "46 min 13 s", "2 d". The language of rules
// and declarations writes its durations another way (1h8m), which is for those
// who write them.
func Span(d time.Duration) string {
	if d < 0 {
		return "-" + Span(-d)
	}
	rest := d.Round(time.Second)
	units := [...]struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, unit := range units {
		n := rest / unit.size
		if n == 0 && i < len(units)-1 {
			continue
		}
		text := fmt.Sprintf("%d %s", n, unit.name)
		if i+1 < len(units) {
			if next := (rest - n*unit.size) / units[i+1].size; next > 0 {
				text += fmt.Sprintf(" %d %s", next, units[i+1].name)
			}
		}
		return text
	}
	return ""
}
