package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"telltale/devices"
)

// logins knows devices by password.
type logins map[string]string

func (l logins) Authenticate(_ context.Context, login Login) (Access, error) {
	if want, ok := l[login.Username]; !ok || want != login.Password {
		return Access{}, ErrDenied
	}
	return Access{Device: devices.ID(login.Username)}, nil
}

func TestAccessOfADevice(t *testing.T) {
	t.Parallel()
	a := Access{Device: "fridge-1"}
	for _, c := range []struct {
		topic         string
		publish, read bool
	}{
		{"telltale/fridge-1/telemetry", true, false},
		{"telltale/fridge-1/status", true, false},
		{"telltale/fridge-1/more/levels", true, false},
		{"telltale/fridge-1/command", false, true},
		{"telltale/fridge-1/", false, false},
		{"telltale/fridge-1", false, false},
		{"telltale/fridge-12/telemetry", false, false},
		{"telltale/fridge-2/telemetry", false, false},
		{"telltale/fridge-2/command", false, false},
		{"telltale/+/command", false, false},
		{"telltale/fridge-1/#", true, false}, // no topic, so the library refuses it
		{"#", false, false},
		{"$SYS/broker/uptime", false, false},
		{"$share/g/telltale/fridge-1/command", false, false},
		{"", false, false},
	} {
		if got := a.MayPublish(c.topic); got != c.publish {
			t.Errorf("may publish to %q: %v, want %v", c.topic, got, c.publish)
		}
		if got := a.MayRead(c.topic); got != c.read {
			t.Errorf("may read %q: %v, want %v", c.topic, got, c.read)
		}
	}
	if (Access{}).MayPublish("telltale//telemetry") {
		t.Error("access to nothing may publish")
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	known := logins{"fridge-1": "secret", "fridge-2": "other"}
	for _, c := range []struct {
		name string
		auth Authenticator
		s    visitor
		want string
	}{
		{"a device with its password", known, visitor{id: "x", username: "fridge-1", password: "secret"}, ""},
		{"a wrong password", known, visitor{id: "x", username: "fridge-1", password: "Secret"}, "connection refused with code 5"},
		{"nobody in particular", known, visitor{id: "x"}, "connection refused with code 5"},
		{"nobody in particular where that is allowed", Anonymous{Otherwise: known}, visitor{id: "x"}, ""},
		{"a wrong password where none is needed", Anonymous{Otherwise: known}, visitor{id: "x", username: "fridge-1", password: "y"}, "connection refused with code 5"},
		{"a name where there are none", Anonymous{}, visitor{id: "x", username: "fridge-1", password: "y"}, "connection refused with code 5"},
		{"a last will in another's name", known,
			visitor{id: "x", username: "fridge-1", password: "secret", willTopic: "telltale/fridge-2/status", will: "offline"}, "connection refused with code 5"},
		{"a last will of its own", known,
			visitor{id: "x", username: "fridge-1", password: "secret", willTopic: "telltale/fridge-1/status", will: "offline"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, _, _ := startBroker(t, &memory{}, BrokerOptions{Authenticator: c.auth}, PipelineOptions{})
			_, err := dial(b.Addr(), c.s)
			if got := fmt.Sprint(err); got != c.want && !(err == nil && c.want == "") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestSessionOfAnotherDeviceIsNotTakenOver(t *testing.T) {
	t.Parallel()
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{Authenticator: logins{"fridge-1": "a", "fridge-2": "b"}}, PipelineOptions{})
	own := mustDial(t, b, visitor{id: "shared", username: "fridge-1", password: "a"})
	if _, err := dial(b.Addr(), visitor{id: "shared", username: "fridge-2", password: "b"}); err == nil {
		t.Error("another device took the session over")
	}
	if err := own.publishAcked("telltale/fridge-1/telemetry", `{}`, 1); err != nil {
		t.Errorf("the session's owner lost its connection: %v", err)
	}
	mustDial(t, b, visitor{id: "shared", username: "fridge-1", password: "a"}) // its owner may
}

func TestDevicesStayInTheirOwnTopics(t *testing.T) {
	t.Parallel()
	var log memory
	b, _, _ := startBroker(t, &log, BrokerOptions{Authenticator: logins{"fridge-1": "a"}}, PipelineOptions{})
	login := visitor{id: "fridge-1", username: "fridge-1", password: "a"}

	c := mustDial(t, b, login)
	if err := c.publishAcked("telltale/fridge-2/telemetry", `{}`, 1); err == nil {
		t.Error("a message in another's name was acknowledged")
	}
	c = mustDial(t, b, login)
	var codes []byte
	for _, filter := range []string{"telltale/#", "#", "telltale/fridge-2/command", "telltale/fridge-1/command"} {
		if err := c.subscribe(filter); err != nil {
			t.Fatal(err)
		}
		_, body, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, body[2])
	}
	if diff := cmp.Diff([]byte{0x80, 0x80, 0x80, 1}, codes); diff != "" {
		t.Errorf("SUBACK codes differ (-want +got):\n%s", diff)
	}
	if err := c.publishAcked("telltale/fridge-1/telemetry", `{}`, 1); err != nil {
		t.Fatal(err)
	}
	if reports, _, _ := log.stored(); len(reports) != 1 || reports[0].Device != "fridge-1" {
		t.Errorf("stored %v, want one report of fridge-1", reports)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{MaxClients: 2}, PipelineOptions{})
	mustDial(t, b, visitor{id: "a"})
	second := mustDial(t, b, visitor{id: "b"})
	if _, err := dial(b.Addr(), visitor{id: "c"}); err == nil {
		t.Error("a third of two connections was taken")
	}
	second.close()
	for { // as soon as the broker has noticed
		if c, err := dial(b.Addr(), visitor{id: "c"}); err == nil {
			c.close()
			return
		}
	}
}

func TestWrongBrokerOptionsAreNamed(t *testing.T) {
	t.Parallel()
	p, err := NewPipeline(&memory{}, fleet(), PipelineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewBroker(p, BrokerOptions{Listen: "127.0.0.1:0", MaxClients: -1}); err == nil ||
		err.Error() != "broker options: max clients must be positive, not -1" {
		t.Errorf("got %v", err)
	}
	b, err := NewBroker(p, BrokerOptions{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, err = NewBroker(p, BrokerOptions{Listen: b.Addr().String()})
	if err == nil || !strings.HasPrefix(err.Error(), "open MQTT address: listen tcp "+b.Addr().String()) {
		t.Errorf("a taken port: got %v", err)
	}
}

func TestUndecidedLoginIsRefused(t *testing.T) {
	t.Parallel()
	auth := authenticatorFunc(func(context.Context, Login) (Access, error) {
		return Access{Anywhere: true}, errors.New("database is away")
	})
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{Authenticator: auth, Log: zap.NewNop()}, PipelineOptions{})
	if _, err := dial(b.Addr(), visitor{id: "a"}); err == nil {
		t.Error("a login that nobody could check was taken")
	}
}

// authenticatorFunc is an Authenticator.
type authenticatorFunc func(context.Context, Login) (Access, error)

func (f authenticatorFunc) Authenticate(ctx context.Context, login Login) (Access, error) {
	return f(ctx, login)
}
