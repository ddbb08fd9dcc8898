package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/tickets/outbox"
)

// writeWithin bounds one write to an event stream. There is no deadline for
// the whole answer, which may last for days.
const writeWithin = 10 * time.Second

// recheckEvery is how often a stream asks whether its client may still listen.
const recheckEvery = time.Minute

// eventsRoute is the pattern of the event stream.
const eventsRoute = "GET /api/v1/events"

func (s *Server) registerEvents(mux *http.ServeMux) {
	mux.Handle(eventsRoute, s.authenticated(access.Read, http.HandlerFunc(s.streamEvents)))
}

// describeEvents adds the stream to the description; the API layer could not
// serve it, because it holds answers back until they are complete.
func (s *rest) describeEvents() {
	text := &huma.Schema{Type: huma.TypeString}
	s.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"events"},
		Summary:     "Everything that happens, as server-sent events",
		Description: "id is the event's position, event its type, data what it is about as JSON. Roles: " + access.Need(access.Read) + ".",
		Parameters: []*huma.Param{
			{Name: "Last-Event-ID", In: "header", Schema: text, Description: "go on after this event"},
			{Name: "last_event_id", In: "query", Schema: text, Description: "the same, for a first connection"},
		},
		Responses: map[string]*huma.Response{"200": {
			Description: "a stream that does not end",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: text}},
		}},
	})
}

// streamEvents serves the events as server-sent events (HTML Living Standard,
// 9.2): those after Last-Event-ID first, then each as it happens.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) {
	after, resumed, err := lastEventID(r)
	if err != nil {
		writeProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return // a stream without a body would never end
	}
	ctx, cancel := context.WithTimeout(r.Context(), askFor)
	c, start, err := s.feed.join(ctx)
	cancel()
	if err != nil {
		writeProblem(w, http.StatusServiceUnavailable, "Events cannot be read right now. Try again in a moment.")
		return
	}
	defer s.feed.leave(c)

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	out := &eventWriter{w: w, control: http.NewResponseController(w), within: writeWithin}
	if out.write("retry: 2000\n\n") != nil {
		return
	}
	if resumed && s.catchUp(r.Context(), out, after, start) != nil {
		return
	}
	s.live(r, out, c, max(start, after))
}

// catchUp writes the events in (after, until].
func (s *Server) catchUp(ctx context.Context, out *eventWriter, after, until int64) error {
	for after < until {
		page, _, err := s.deps.Events.EventsAfter(ctx, after, pageSize)
		if err != nil {
			s.judge(ctx, err)
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, e := range page {
			if e.Position > until {
				return nil
			}
			if err := out.event(e); err != nil {
				return err
			}
			after = e.Position
		}
	}
	return nil
}

// live writes events after the position as they happen, until either side
// ends it.
func (s *Server) live(r *http.Request, out *eventWriter, c *client, after int64) {
	beat := time.NewTicker(s.opts.Heartbeat)
	defer beat.Stop()
	recheck := time.NewTicker(recheckEvery)
	defer recheck.Stop()
	for {
		var err error
		select {
		case e, open := <-c.events:
			if !open {
				return
			}
			if e.Position > after {
				err = out.event(e)
			}
		case <-beat.C:
			err = out.write(": still here\n\n")
		case <-recheck.C:
			_, err = s.identify(r) // the token may have been revoked by now
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// lastEventID returns where the client left off, and whether it said so.
// EventSource sends the header by itself when it reconnects; the parameter is
// for a page that knows how far its contents are.
func lastEventID(r *http.Request) (position int64, given bool, err error) {
	query := r.URL.Query()
	for name := range query {
		if name != "last_event_id" {
			return 0, false, fmt.Errorf("unknown query parameter %q: only last_event_id is known", name)
		}
	}
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = query.Get("last_event_id")
	}
	if text == "" {
		return 0, false, nil
	}
	position, err = strconv.ParseInt(text, 10, 64)
	if err != nil || position < 0 {
		return 0, false, fmt.Errorf("Last-Event-ID %q is not the id of an event", text)
	}
	return position, true, nil
}

// eventWriter writes to one client and gives up on it when it does not read.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	within  time.Duration
}

func (o *eventWriter) event(e outbox.Event) error {
	var data bytes.Buffer
	if err := json.Compact(&data, e.Data); err != nil { // a line break would end the field
		return fmt.Errorf("event %s: %w", e.ID, err)
	}
	return o.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Position, e.Type, data.Bytes()))
}

func (o *eventWriter) write(text string) error {
	if err := o.control.SetWriteDeadline(time.Now().Add(o.within)); err != nil {
		return err
	}
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.control.Flush()
}
