package codec

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// validSenMLName checks a resolved name (RFC 8428, section 4.5.1).
func validSenMLName(name string) error {
	if name == "" {
		return errors.New("has no name")
	}
	for i := range len(name) {
		c := name[i]
		if i == 0 && (!isWord(c) || c == '_') {
			return fmt.Errorf("name %q does not begin with a letter or a digit", name)
		}
		if !isWord(c) && c != '-' && c != ':' && c != '.' && c != '/' {
			return fmt.Errorf("name %q has a character other than letters, digits and -:./_", name)
		}
	}
	return nil
}

// senmlSplit finds the device and the metric in a record's names; see [SenML].
func senmlSplit(s *senmlResolved) (device, metric string) {
	device, metric = s.base, s.name
	if device == "" || metric == "" {
		device, metric = splitSenMLName(s.base + s.name)
	}
	device = strings.Trim(device, ":/")
	metric = string(appendName(nil, strings.Trim(metric, ":/_.-")))
	if metric == "" {
		metric = strings.Trim(string(appendName(nil, s.unit)), "_")
	}
	if metric == "" {
		metric = "value"
	}
	return device, metric
}

// splitSenMLName splits a name of which nobody has said where the device ends.
func splitSenMLName(name string) (device, metric string) {
	if strings.HasPrefix(name, "urn:dev:") {
		return splitDeviceURN(name)
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	i := strings.LastIndexByte(name, ':')
	if i < 0 || isAddress(name) {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// splitDeviceURN splits a name that begins with a device URN (RFC 9039):
// "urn:dev:", the kind, ":", an identifier that goes on to the next of ":_/".
func splitDeviceURN(name string) (device, metric string) {
	kind := strings.IndexByte(name[len("urn:dev:"):], ':')
	if kind < 0 {
		return name, ""
	}
	identifier := len("urn:dev:") + kind + 1
	end := strings.IndexAny(name[identifier:], ":_/")
	if end < 0 {
		return name, ""
	}
	return name[:identifier+end], name[identifier+end+1:]
}

// isAddress reports whether colons are part of the name of one thing.
func isAddress(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	_, err := net.ParseMAC(name)
	return err == nil
}

// senmlUnit returns the unit as [devices.Convert] knows it. SenML's C and F
// are the coulomb and the farad, not degrees.
func senmlUnit(unit string) string {
	switch unit {
	case "C":
		return "coulomb"
	case "F":
		return "farad"
	case "lat", "lon":
		return "deg"
	case "count":
		return "1"
	case "EL":
		return "s"
	case "beat/min":
		return "/min"
	default:
		return unit
	}
}

// senmlSumUnit returns the unit of an integral over time in seconds.
func senmlSumUnit(unit string) string {
	switch unit {
	case "":
		return ""
	case "W":
		return "J"
	default:
		return unit + ".s"
	}
}
