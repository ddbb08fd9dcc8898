package sparkplug

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"telltale/devices"
)

// DataType is the type of a metric's values, by its number in the
// specification.
type DataType uint32

// Data types. Those from DataSet on are not for readings, but for Text's like.
const (
	Unknown DataType = iota
	Int8
	Int16
	Int32
	Int64
	UInt8
	UInt16
	UInt32
	UInt64
	Float
	Double
	Boolean
	String
	DateTime // Unix milliseconds
	Text
	UUID
	DataSet
	Bytes
	File
	Template
	PropertySet
	PropertySetList
	Int8Array
)

// lastType is DateTimeArray, the last type that the specification names.
const lastType DataType = 34

// String returns the name that the specification has for the type.
func (t DataType) String() string {
	names := [...]string{
		"Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
		"Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet",
		"PropertySetList",
	}
	switch {
	case int(t) < len(names):
		return names[t]
	case t <= lastType:
		return "an array"
	default:
		return "an unknown type"
	}
}

// Telemetry reports whether values of the type are numbers or texts.
func (t DataType) Telemetry() bool { return t >= Int8 && t <= UUID }

// Fields of Metric that hold its value.
const (
	intValue       protowire.Number = 10
	longValue      protowire.Number = 11
	floatValue     protowire.Number = 12
	doubleValue    protowire.Number = 13
	boolValue      protowire.Number = 14
	stringValue    protowire.Number = 15
	bytesValue     protowire.Number = 16
	datasetValue   protowire.Number = 17
	templateValue  protowire.Number = 18
	extensionValue protowire.Number = 19
)

// Value is a metric's value as it lies on the wire: it takes a data type to say
// what it is.
type Value struct {
	field protowire.Number // 0: there is none
	n     uint64
	text  string
}

// take reads a field of a metric that is none of its others.
func (v *Value) take(f field, path string) error {
	want := protowire.VarintType
	switch f.num {
	case intValue, longValue, boolValue:
	case floatValue:
		want = protowire.Fixed32Type
	case doubleValue:
		want = protowire.Fixed64Type
	case stringValue, bytesValue, datasetValue, templateValue, extensionValue:
		want = protowire.BytesType
	default:
		return nil // metadata, properties, or what a later version adds
	}
	if err := f.expect(want, path+".value"); err != nil {
		return err
	}
	*v = Value{field: f.num, n: f.n}
	switch f.num {
	case stringValue:
		v.text = string(f.data)
	case intValue:
		v.n = uint64(uint32(f.n)) // encoders write a negative one with 64 bits
	}
	return nil
}

// Errors of [Value.Reading].
var (
	// ErrNoReading says that a value is neither a number nor a text.
	ErrNoReading = errors.New("sparkplug: value is neither a number nor a text")

	// ErrType says that a value is not of the data type it should be of.
	ErrType = errors.New("sparkplug: value is not of its data type")
)

// Reading returns the value as one of the type: numbers as they are, booleans
// as 1 and 0, dates as Unix milliseconds, texts as labels. Whole numbers beyond
// 2^53 lose their last digits. ErrNoReading and ErrType say why there is none.
func (v Value) Reading(t DataType) (devices.Value, error) {
	if !t.Telemetry() {
		return devices.Value{}, ErrNoReading
	}
	whole := v.field == intValue || v.field == longValue
	switch {
	case v.field == floatValue && (t == Float || t == Double):
		return devices.Number(float64(math.Float32frombits(uint32(v.n)))), nil
	case v.field == doubleValue && (t == Float || t == Double):
		return devices.Number(math.Float64frombits(v.n)), nil
	case v.field == boolValue && t == Boolean:
		return devices.Number(float64(min(v.n, 1))), nil
	case v.field == stringValue && (t == String || t == Text || t == UUID):
		return devices.Label(v.text), nil
	case whole && t >= Int8 && t <= Int64:
		return signed(v.n, 8<<(t-Int8))
	case whole && t >= UInt8 && t <= UInt64:
		return unsigned(v.n, 8<<(t-UInt8))
	case whole && t == DateTime:
		return devices.Number(float64(v.n)), nil
	}
	return devices.Value{}, fmt.Errorf("%w: comes as %s, but its type is %s", ErrType, v.describe(), t)
}

// Unsigned returns a whole number, such as a bdSeq.
func (v Value) Unsigned() (n uint64, ok bool) {
	return v.n, v.field == intValue || v.field == longValue
}

// signed reads a two's complement of the given bits. Some encoders extend its
// sign to the 32 or 64 bits of the field.
func signed(n uint64, bits int) (devices.Value, error) {
	for _, width := range []int{bits, 32, 64} {
		if width < 64 && n>>width != 0 {
			continue
		}
		shift := 64 - width
		x := int64(n<<shift) >> shift
		if limit := int64(1) << (bits - 1); bits == 64 || x >= -limit && x < limit {
			return devices.Number(float64(x)), nil
		}
	}
	return devices.Value{}, fmt.Errorf("%w: %d does not fit %d bits", ErrType, n, bits)
}

func unsigned(n uint64, bits int) (devices.Value, error) {
	if bits < 64 && n>>bits != 0 {
		return devices.Value{}, fmt.Errorf("%w: %d does not fit %d bits", ErrType, n, bits)
	}
	return devices.Number(float64(n)), nil
}

func (v Value) describe() string {
	switch v.field {
	case 0:
		return "nothing"
	case intValue, longValue:
		return "a whole number"
	case floatValue, doubleValue:
		return "a number with a fraction"
	case boolValue:
		return "true or false"
	case stringValue:
		return "a text"
	default:
		return "bytes"
	}
}
