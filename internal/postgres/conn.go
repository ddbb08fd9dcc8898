package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How long a connection is believed in. A server that loses its power, or a
// firewall that forgets a connection, says no goodbye: without these limits
// whoever waits for an answer, or for a lock that a lost transaction holds,
// would wait for hours.
const (
	// answerTime is how long the server may be silent after a question. No
	// statement of ours computes that long before its first row.
	answerTime = 30 * time.Second

	// pingTime is the same for a connection that lay idle, which is asked
	// whether it is alive before it is used.
	pingTime = 2 * time.Second

	// abandonedTime is when the server ends a transaction in which it is asked
	// nothing more, and gives its locks free.
	abandonedTime = "20s"

	connectTime = 10 * time.Second
)

// bound gives the connections of a pool, and those made by its configuration,
// their limits.
func bound(config *pgxpool.Config) {
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &answering{Conn: conn, limit: answerTime}, nil
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	config.PingTimeout = pingTime
}

// endAbandoned has the server end transactions that lost their client. It is
// a statement, not a start-up parameter, because poolers refuse those that
// they do not know.
func endAbandoned(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "set idle_in_transaction_session_timeout = '"+abandonedTime+"'")
	return err
}

// answering is a connection on which a question must be answered within the
// limit. A connection that only listens may stay silent for ever: there
// the kernel's probes find out that nobody is there.
type answering struct {
	net.Conn
	limit time.Duration

	mu     sync.Mutex
	pinned bool // the driver has set a deadline of its own, which counts
}

// Write implements [net.Conn].
func (c *answering) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err == nil {
		err = c.expect(time.Now().Add(c.limit))
	}
	return n, err
}

// Read implements [net.Conn].
func (c *answering) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	switch {
	case err == nil:
		err = c.expect(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.cancelled():
		// To the driver a timeout is what it asked for, and no reason to close.
		err = errors.Join(fmt.Errorf("database did not answer for %s", c.limit), c.Close())
	}
	return n, err
}

func (c *answering) cancelled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pinned
}

// SetDeadline implements [net.Conn]; the driver cancels by it.
func (c *answering) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

func (c *answering) expect(by time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinned {
		return nil
	}
	return c.SetReadDeadline(by)
}
