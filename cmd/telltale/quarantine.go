package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"telltale/ingest"
	"telltale/internal/app"
	"telltale/internal/declare"
	"telltale/internal/views"
)

type quarantineCmd struct {
	List   quarantineListCmd   `cmd:"" help:"List refused messages, the newest first."`
	Show   quarantineShowCmd   `cmd:"" help:"Show one refused message with its payload."`
	Replay quarantineReplayCmd `cmd:"" help:"Give refused messages back to the gateway, after the cause is mended."`
}

type quarantineListCmd struct {
	Reason  string `help:"Only those refused for this reason."`
	Device  string `help:"Only those refused on account of this device."`
	Topic   string `help:"Only those of these topics: an MQTT filter, or a part of the topic."`
	Text    string `help:"Only those with this in the detail, topic, client or payload."`
	Since   string `help:"Only those that came since: a time (RFC 3339), or how long ago, such as 2h."`
	Until   string `help:"Only those that came before: a time, or how long ago."`
	Waiting bool   `help:"Only those that were not accepted since they came last."`
	Limit   int    `default:"50" help:"How many at most, up to 500."`
	JSON    bool   `help:"Print JSON, payloads in base64."`
	target
}

// Run lists refused messages.
func (c quarantineListCmd) Run(ctx context.Context, io *console) error {
	since, err := ago(c.Since, time.Now())
	if err != nil {
		return invalid(fmt.Errorf("--since %w", err))
	}
	until, err := ago(c.Until, time.Now())
	if err != nil {
		return invalid(fmt.Errorf("--until %w", err))
	}
	return c.with(ctx, io, func(g gateway) error {
		refused, err := g.Quarantine(ctx, views.RefusedQuery{
			Reason: ingest.Reason(c.Reason), Device: c.Device, Topic: c.Topic, Text: c.Text, Since: since, Until: until,
			Waiting: c.Waiting, Limit: c.Limit,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(io.out, refused)
		}
		return printRefused(io.out, refused)
	})
}

func printRefused(out io.Writer, refused []app.Refused) error {
	if len(refused) == 0 {
		fmt.Fprintln(out, "nothing is in quarantine")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tREASON\tSTATE\tCOUNT\tLAST\tDEVICE\tTOPIC\tDETAIL")
	for _, q := range refused {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", q.ID, q.Reason, stateOf(q), q.Count, q.LastAt.UTC().Format(time.RFC3339),
			cmp.Or(strings.Join(q.DeviceIDs, " "), "-"), q.Topic, q.Detail)
	}
	return table.Flush()
}

// stateOf says whether a message still waits to be replayed.
func stateOf(q app.Refused) string {
	if q.ReplayedAt != nil {
		return "accepted"
	}
	return "waiting"
}

// ago reads a time, or how long before now it was; zero for the empty text.
func ago(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	back, err := declare.ParseDuration(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-03-01T08:00:00Z nor a duration such as 2h", text)
	}
	return now.Add(-back), nil
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

type quarantineShowCmd struct {
	ID string `arg:"" help:"The message's id, as list prints it."`
	target
}

// Run shows one message.
func (c quarantineShowCmd) Run(ctx context.Context, io *console) error {
	return c.with(ctx, io, func(g gateway) error {
		q, err := g.Quarantined(ctx, c.ID)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
		for _, line := range [][2]string{
			{"reason", q.Reason}, {"detail", q.Detail}, {"topic", q.Topic}, {"source", q.Source},
			{"devices", strings.Join(q.DeviceIDs, " ")}, {"client", q.ClientID}, {"count", fmt.Sprint(q.Count)},
			{"first came", stamp(&q.ReceivedAt)}, {"last came", stamp(&q.LastAt)}, {"device's time", stamp(q.ObservedAt)},
			{"last replay", strings.TrimSpace(stamp(q.TriedAt) + " " + q.Outcome)},
		} {
			if line[1] != "" {
				fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(io.out, "\n%s\n", strings.TrimRight(legible(q.Payload), "\n"))
		return err
	})
}

func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// legible is a payload as people can read it: JSON indented, other text as it
// is, and bytes in hexadecimal.
func legible(payload []byte) string {
	var indented bytes.Buffer
	text := utf8.Valid(payload) && !bytes.ContainsFunc(payload, func(r rune) bool {
		return !unicode.IsPrint(r) && !unicode.IsSpace(r) // nothing that a terminal would obey
	})
	switch {
	case text && json.Indent(&indented, payload, "", "  ") == nil:
		return indented.String()
	case text:
		return string(payload)
	default:
		return hex.Dump(payload)
	}
}

type quarantineReplayCmd struct {
	Reason string   `help:"Replay those refused for this reason."`
	Device string   `help:"Replay those refused on account of this device."`
	Topic  string   `help:"Replay those of these topics: an MQTT filter, or a part of the topic."`
	ID     []string `help:"Replay these, accepted before or not."`
	DryRun bool     `help:"Say what would become of the first thousand, and do nothing. A running gateway is asked: --server."`
	target
}

// Run asks the gateway to take refused messages again, and says how far it is.
func (c quarantineReplayCmd) Run(ctx context.Context, io *console) error {
	selection := views.ReplaySelection{Reason: ingest.Reason(c.Reason), Topic: c.Topic, IDs: c.ID}
	if c.Device != "" {
		selection.Devices = []string{c.Device}
	}
	if selection.Empty() {
		return invalid(errors.New("give a --reason, a --device, a --topic or an --id to replay"))
	}
	return c.with(ctx, io, func(g gateway) error {
		if c.DryRun {
			return tryReplay(ctx, io, g, selection)
		}
		var last views.Replay
		err := g.Replay(ctx, selection, func(r views.Replay) {
			if r.FinishedAt.IsZero() && (r.Accepted != last.Accepted || r.Refused != last.Refused || r.Failure != last.Failure) {
				fmt.Fprintf(io.err, "%d of %d\n", r.Accepted+r.Refused, r.Selected)
				if r.Failure != "" {
					fmt.Fprintf(io.err, "it waits: %s\n", r.Failure)
				}
			}
			last = r
		})
		if err != nil {
			return err
		}
		if last.FinishedAt.IsZero() {
			fmt.Fprintf(io.out, "%d messages will be replayed in the order they came, by the gateway\n", last.Selected)
			return nil
		}
		fmt.Fprintf(io.out, "%d messages accepted, %d refused for the same reason again\n", last.Accepted, last.Refused)
		return nil
	})
}

func tryReplay(ctx context.Context, io *console, g gateway, selection views.ReplaySelection) error {
	would, err := g.TryReplay(ctx, selection)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "%d messages would be accepted, %d refused\n", would.Accepted, would.Refused)
	if would.More {
		fmt.Fprintf(io.out, "these are the first %d; there are more\n", would.Selected)
	}
	return nil
}
