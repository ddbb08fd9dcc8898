package ingest

import (
	"bytes"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
)

// FuzzPublish holds our parser of a PUBLISH against the library's: what we call
// plain, it must read the same way and find nothing wrong with.
func FuzzPublish(f *testing.F) {
	for _, seed := range [][]byte{
		packet("telltale/fridge-1/telemetry", `{"seq":1}`, 7, false),
		packet("telltale/fridge-1/telemetry", `{}`, 0, true),
		{0x30, 5, 0, 1, 'a', 0, 'x'},
		{0x3a, 6, 0, 1, 'a', 0, 1, 0},
		{0x30, 0x80, 0x80, 0x80, 0x80, 1},
		{0x36, 4, 0, 1, 'a', 0},
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, p []byte, five bool) {
		size, known := packetSize(p)
		if !known || size > len(p) || len(p) == 0 || p[0]>>4 != typePublish {
			return
		}
		version := byte(4)
		if five {
			version = 5
		}
		got, ok := parsePublish(p[:size], version)
		if !ok {
			return
		}
		var want packets.Packet
		want.ProtocolVersion = version
		if err := want.FixedHeader.Decode(p[0]); err != nil {
			t.Fatal(err)
		}
		remaining, n, err := packets.DecodeLength(bytes.NewReader(p[1:]))
		if err != nil || 1+n+remaining != size {
			t.Fatalf("size %d, the library says %d + %d, %v", size, n, remaining, err)
		}
		if err := want.PublishDecode(p[1+n : size]); err != nil {
			t.Fatalf("the library refuses it: %v", err)
		}
		if code := want.PublishValidate(0); code != packets.CodeSuccess {
			t.Fatalf("the library finds it invalid: %v", code)
		}
		if string(got.topic) != want.TopicName || !bytes.Equal(got.payload, want.Payload) ||
			got.id != want.PacketID || got.retain != want.FixedHeader.Retain {
			t.Fatalf("got %+v, the library %+v", got, want)
		}
	})
}
