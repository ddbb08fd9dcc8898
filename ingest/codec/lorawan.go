package codec

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"telltale/devices"
)

// Frame is what a LoRaWAN device sent, for a payload script to decode.
type Frame struct {
	Device     devices.ID
	Bytes      []byte
	FPort      int
	ObservedAt time.Time // by the network server
}

// Scripts runs the payload scripts of device models.
type Scripts interface {
	// Decode returns the JSON object that the script of the device's model
	// makes of a frame. Errors are [devices.ErrUnknown] when the device is not
	// declared, [ErrNoScript] when its model has none, and else what went
	// wrong in running it.
	Decode(f Frame) ([]byte, error)
}

var (
	// ErrNoScript says that a device's model has no payload script.
	ErrNoScript = errors.New("codec: model has no payload script")

	// ErrScript says that a payload script did not decode a frame.
	ErrScript = errors.New("codec: payload script failed")
)

// scriptError is an [ErrScript] with a sentence.
type scriptError struct{ error }

func (scriptError) Is(target error) bool { return target == ErrScript }

// maxFrame is far above what LoRaWAN can carry, 242 bytes.
const maxFrame = 4096

// maxGateways bounds who may have heard one frame.
const maxGateways = 1000

// lorawan is what the codecs of LoRaWAN network servers have in common.
type lorawan struct {
	device  selector
	scripts Scripts // nil: none
	docs    documents
}

// uplink gathers what a message says, in whatever order it does.
type uplink struct {
	decoded *part // what the network server made of the frame; nil: nothing
	frame   []byte
	port    int
	at      time.Time // by the network server; zero: it does not say
	heard   bool      // by a gateway that measured the signal
	rssi    float64   // dBm, of the gateway that heard it best
	snr     float64   // dB, NaN when that gateway does not say
	gateway time.Time // by the first gateway's clock that has one

	noBattery bool // the device does not know its battery's level
}

// part is a value within a payload, read later.
type part struct {
	field string // its path
	name  string // before the names of its values; "": none
	raw   []byte
	at    int64 // byte at which it begins; -1: it is not in the payload as it stands
}

// part captures the next value, or nil for null. The payload must outlive it.
func (d *document) part() (*part, error) {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' {
		return nil, err
	}
	return &part{field: field(d.dec.StackPointer()), raw: raw, at: d.dec.InputOffset() - int64(len(raw))}, nil
}

// flatten turns a part into readings.
func (l *lorawan) flatten(r *devices.Report, p *part) error {
	d := l.docs.open(p.raw)
	defer l.docs.release(d)
	err := d.expect('{', "an object")
	if err == nil {
		err = d.flatten(r, p.name)
	}
	if err == nil {
		err = d.end()
	}
	return p.rebase(err)
}

// rebase makes a complaint about a part one about the payload.
func (p *part) rebase(err error) error {
	var pe *PayloadError
	if !errors.As(err, &pe) {
		return err
	}
	switch {
	case pe.Field == "":
		pe.Field = p.field
	case p.field != "" && !strings.HasPrefix(pe.Field, "["):
		pe.Field = p.field + "." + pe.Field
	default:
		pe.Field = p.field + pe.Field
	}
	if pe.Offset >= 0 {
		pe.Offset += p.at
	}
	if p.at < 0 {
		pe.Offset = -1
	}
	return pe
}

// complete fills the report from what was gathered: the time, the values of
// the network server's decoder or else of the model's script, and how well the
// frame was heard, where the decoder has no names of its own for that.
func (l *lorawan) complete(u *uplink, r *devices.Report) error {
	switch {
	case !u.at.IsZero():
		r.ObservedAt = u.at
	case !u.gateway.IsZero():
		r.ObservedAt = u.gateway
	default:
		r.ObservedAt = r.ReceivedAt
	}
	var err error
	if u.decoded != nil {
		err = l.flatten(r, u.decoded)
	} else if len(u.frame) > 0 { // without a payload it was for the network only
		err = l.runScript(u, r)
	}
	if err != nil {
		return err
	}
	if u.heard {
		addUnlessNamed(r, "rssi", u.rssi)
		addUnlessNamed(r, "snr", u.snr)
	}
	return nil
}

func addUnlessNamed(r *devices.Report, name string, v float64) {
	taken := slices.ContainsFunc(r.Readings, func(o devices.Reading) bool { return o.Metric == name })
	if !taken && !math.IsNaN(v) {
		r.Readings = append(r.Readings, devices.Reading{Metric: name, Value: devices.Number(v)})
	}
}

// DecodeFrame returns the report that a script makes of a frame by itself,
// without a network server's message around it. Errors are *PayloadError.
func DecodeFrame(scripts Scripts, f Frame) (devices.Report, error) {
	l := lorawan{scripts: scripts}
	r := devices.Report{Device: f.Device, ObservedAt: f.ObservedAt, ReceivedAt: f.ObservedAt}
	err := l.runScript(&uplink{frame: f.Bytes, port: f.FPort}, &r)
	return r, err
}

// runScript decodes the frame by the script of the device's model. Of a device
// that is not declared the readings are left out: the pipeline refuses it, with
// the message whole.
func (l *lorawan) runScript(u *uplink, r *devices.Report) error {
	err := ErrNoScript
	var object []byte
	if l.scripts != nil {
		object, err = l.scripts.Decode(Frame{Device: r.Device, Bytes: u.frame, FPort: u.port, ObservedAt: r.ObservedAt})
	}
	switch {
	case errors.Is(err, devices.ErrUnknown):
		return nil
	case errors.Is(err, ErrNoScript):
		return &PayloadError{Offset: -1, Err: fmt.Errorf("frame of %d bytes on port %d is not decoded: "+
			"give the network server a decoder, or the model of device %s a script (docs/payload-scripts.md)", len(u.frame), u.port, r.Device)}
	case err != nil:
		return &PayloadError{Offset: -1, Err: scriptError{fmt.Errorf("payload script: %w", err)}}
	}
	if err := l.flatten(r, &part{field: "data", raw: object, at: -1}); err != nil {
		return &PayloadError{Offset: -1, Err: scriptError{fmt.Errorf("payload script: %w", err)}}
	}
	return nil
}

// gateways reads the list of gateways that heard a frame. The names are what
// network servers call the signal-to-noise ratio and the gateway's time.
func (u *uplink) gateways(d *document, snrNames, timeNames []string) error {
	if d.dec.PeekKind() == 'n' {
		return d.skip()
	}
	return d.list("a list of gateways", maxGateways, func() error {
		rssi, snr, said := math.NaN(), math.NaN(), false
		err := d.object("a gateway", func(key string) (err error) {
			switch {
			case key == "rssi":
				rssi, said, err = d.quantity()
			case slices.Contains(snrNames, key):
				snr, _, err = d.quantity()
			case slices.Contains(timeNames, key) && u.gateway.IsZero():
				u.gateway, err = d.moment()
			default:
				err = d.skip()
			}
			return err
		})
		if said && (!u.heard || rssi > u.rssi) {
			u.heard, u.rssi, u.snr = true, rssi, snr
		}
		return err
	})
}

// quantity reads a number; ok is false for null.
func (d *document) quantity() (f float64, ok bool, err error) {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' {
		return math.NaN(), false, err
	}
	if raw.Kind() != '0' {
		return 0, false, d.errAt(raw, fmt.Errorf("must be a number, not %s", describe(raw.Kind())))
	}
	return number(raw), true, nil
}

// yes reads true or false; false for null.
func (d *document) yes() (bool, error) {
	raw, err := d.value()
	if err != nil {
		return false, err
	}
	switch raw.Kind() {
	case 't', 'f', 'n':
		return raw.Kind() == 't', nil
	default:
		return false, d.errAt(raw, fmt.Errorf("must be true or false, not %s", describe(raw.Kind())))
	}
}

// moment reads a time; zero for null and an empty text.
func (d *document) moment() (time.Time, error) {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' || string(raw) == `""` {
		return time.Time{}, err
	}
	return d.timestampOf(raw)
}

// fport reads a LoRaWAN port.
func (d *document) fport() (int, error) {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' {
		return 0, err
	}
	n, err := strconv.ParseUint(string(raw), 10, 8)
	if err != nil {
		return 0, d.errAt(raw, errors.New("must be a port from 0 to 255"))
	}
	return int(n), nil
}

// base64 reads bytes; none for null.
func (d *document) base64() ([]byte, error) {
	raw, err := d.value()
	if err != nil || raw.Kind() == 'n' {
		return nil, err
	}
	if raw.Kind() != '"' {
		return nil, d.errAt(raw, fmt.Errorf("must be bytes in base64, not %s", describe(raw.Kind())))
	}
	frame, err := base64.StdEncoding.DecodeString(string(d.text(raw)))
	switch {
	case err != nil:
		return nil, d.errAt(raw, errors.New("is not base64"))
	case len(frame) > maxFrame:
		return nil, d.errAt(raw, fmt.Errorf("frame of %d bytes is longer than %d", len(frame), maxFrame))
	}
	return frame, nil
}

// idAt returns the device's id at a path of the payload, which is known to be
// JSON; "" when the path leads nowhere.
func (l *lorawan) idAt(body []byte, path string) (devices.ID, error) {
	d := l.docs.open(body)
	defer l.docs.release(d)
	found, err := d.seek(strings.Split(path, "."))
	if err != nil || !found || d.dec.PeekKind() == 'n' {
		return "", err
	}
	return deviceID(d)
}

// seek reads up to the value at a path.
func (d *document) seek(path []string) (found bool, err error) {
	for len(path) > 0 {
		switch d.dec.PeekKind() {
		case '{':
			found, err = d.seekKey(path[0])
		case '[':
			found, err = d.seekIndex(path[0])
		default:
			return false, nil
		}
		if !found || err != nil {
			return false, err
		}
		path = path[1:]
	}
	return true, nil
}

func (d *document) seekKey(want string) (bool, error) {
	if err := d.enter(); err != nil {
		return false, err
	}
	for d.more('}') {
		key, err := d.value()
		if err != nil {
			return false, err
		}
		if string(d.text(key)) == want {
			return true, nil
		}
		if err := d.skip(); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (d *document) seekIndex(want string) (bool, error) {
	n, err := strconv.Atoi(want)
	if err != nil || n < 0 {
		return false, nil
	}
	if err := d.enter(); err != nil {
		return false, err
	}
	for range n {
		if !d.more(']') {
			return false, nil
		}
		if err := d.skip(); err != nil {
			return false, err
		}
	}
	return d.more(']'), nil
}
