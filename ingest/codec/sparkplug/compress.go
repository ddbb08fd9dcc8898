package sparkplug

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// compressed is the uuid of a payload whose body is the real payload,
// compressed as its metric "algorithm" says.
const compressed = "SPBV1.0_COMPRESSED"

// MaxInflated bounds a payload that was compressed, in bytes.
const MaxInflated = 1 << 20

// inflate returns the bytes that were compressed into the body.
func (p *Payload) inflate() ([]byte, error) {
	algorithm := ""
	for i := range p.Metrics {
		if p.Metrics[i].Name == "algorithm" {
			algorithm = p.Metrics[i].Value.text
		}
	}
	var r io.Reader
	var err error
	switch algorithm {
	case "GZIP":
		r, err = gzip.NewReader(bytes.NewReader(p.body))
	case "DEFLATE":
		r, err = zlib.NewReader(bytes.NewReader(p.body))
	case "":
		return nil, errors.New("is compressed, but no metric names the algorithm")
	default:
		return nil, fmt.Errorf("is compressed with %q, which is neither GZIP nor DEFLATE", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("is not compressed with %s: %w", algorithm, err)
	}
	inflated, err := io.ReadAll(io.LimitReader(r, MaxInflated+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("is not compressed with %s: %w", algorithm, err)
	case len(inflated) > MaxInflated:
		return nil, fmt.Errorf("is more than %d bytes when inflated", MaxInflated)
	}
	return inflated, nil
}
