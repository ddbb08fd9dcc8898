package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/declare"
	"telltale/internal/views"
	"telltale/tickets"
)

type alarmAnswer struct{ Body tickets.AlarmView }

type accountAnswer struct{ Body views.AlarmAccount }

func answerAlarm(a *tickets.Alarm, err error) (*alarmAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &alarmAnswer{Body: a.View()}, nil
}

type alarmListInput struct {
	Stretch
	Active string `query:"active" enum:"true,false" doc:"whether the condition holds; absent: either"`
	Device string `query:"device"`
	Rule   string `query:"rule"`

	Shelved string `query:"shelved" enum:"true,false" doc:"whether a person has put it aside at present; absent: either"`
}

type acknowledgeInput struct {
	ID   string `path:"id"`
	Body *struct {
		Comment string `json:"comment,omitempty" maxLength:"10000"`
	}
}

type shelveInput struct {
	ID   string `path:"id"`
	Body struct {
		Until  time.Time `json:"until,omitzero" required:"false" doc:"this or for"`
		For    string    `json:"for,omitempty" doc:"such as 2h; this or until"`
		Reason string    `json:"reason" minLength:"1" maxLength:"10000"`
	}
}

func (s *rest) registerAlarms() {
	tags := []string{"alarms"}
	route(s, huma.Operation{
		OperationID: "list-alarms", Method: http.MethodGet, Path: "/alarms", Tags: tags,
		Summary: "Alarms, the latest raised first",
	}, access.Read, s.listAlarms)
	route(s, huma.Operation{
		OperationID: "get-alarm", Method: http.MethodGet, Path: "/alarms/{id}", Tags: tags, Summary: "One alarm, with all that explains it",
	}, access.Read, func(ctx context.Context, in *idInput) (*accountAnswer, error) {
		account, err := s.deps.Alarms.AlarmAccount(ctx, in.ID)
		return &accountAnswer{Body: account}, err
	})
	route(s, huma.Operation{
		OperationID: "acknowledge-alarm", Method: http.MethodPost, Path: "/alarms/{id}/acknowledge", Tags: tags,
		Summary: "Record that a person has seen the alarm", DefaultStatus: http.StatusOK,
	}, access.HandleAlarms, s.acknowledgeAlarm)
	route(s, huma.Operation{
		OperationID: "shelve-alarm", Method: http.MethodPost, Path: "/alarms/{id}/shelve", Tags: tags,
		Summary: "Put an active alarm aside for a time", DefaultStatus: http.StatusOK,
	}, access.HandleAlarms, s.shelveAlarm)
	route(s, huma.Operation{
		OperationID: "unshelve-alarm", Method: http.MethodPost, Path: "/alarms/{id}/unshelve", Tags: tags,
		Summary: "Take a shelved alarm off its shelf before its time", DefaultStatus: http.StatusOK,
	}, access.HandleAlarms, func(ctx context.Context, in *idInput) (*alarmAnswer, error) {
		return answerAlarm(s.deps.Desk.UnshelveAlarm(ctx, in.ID, actorOf(ctx)))
	})
}

func (s *rest) listAlarms(ctx context.Context, in *alarmListInput) (*list[tickets.AlarmView], error) {
	key, err := parseCursor("alarms", in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	q := tickets.AlarmQuery{Device: in.Device, Rule: in.Rule, Limit: in.Limit + 1}
	if in.Active != "" {
		active := in.Active == "true"
		q.Active = &active
	}
	if in.Shelved != "" {
		shelved := in.Shelved == "true"
		q.Shelved, q.Now = &shelved, s.now()
	}
	if key != nil {
		q.After = key[0]
	}
	rows, err := s.deps.Alarms.ListAlarms(ctx, q)
	if err != nil {
		return nil, err
	}
	return page("alarms", rows, in.Limit, (*tickets.Alarm).View,
		func(a *tickets.Alarm) []string { return []string{a.ID} }), nil
}

// seen is what an acknowledgement without a comment says.
const seen = "seen"

func (s *rest) acknowledgeAlarm(ctx context.Context, in *acknowledgeInput) (*alarmAnswer, error) {
	comment := seen
	if in.Body != nil && in.Body.Comment != "" {
		comment = in.Body.Comment
	}
	return answerAlarm(s.deps.Desk.AcknowledgeAlarm(ctx, in.ID, actorOf(ctx), comment))
}

func (s *rest) shelveAlarm(ctx context.Context, in *shelveInput) (*alarmAnswer, error) {
	until := in.Body.Until
	if until.IsZero() == (in.Body.For == "") {
		return nil, invalid("body", "must say either until or for", nil)
	}
	if in.Body.For != "" {
		d, err := declare.ParseDuration(in.Body.For)
		if err != nil {
			return nil, invalid("body.for", err.Error(), in.Body.For)
		}
		until = s.now().Add(d)
	}
	return answerAlarm(s.deps.Desk.ShelveAlarm(ctx, in.ID, actorOf(ctx), until, in.Body.Reason))
}
