package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/ingest"
	"telltale/ingest/codec"
	"telltale/internal/access"
	"telltale/internal/views"
)

// sourceView is a source as the API shows it.
type sourceView struct {
	Name   string `json:"name" doc:"its filter when the configuration gives it none"`
	Filter string `json:"filter" doc:"MQTT topic filter"`
	Codec  string `json:"codec"`
	Device string `json:"device" doc:"where the device's id stands; empty: the codec's own place"`
}

func showSource(s codec.Source) sourceView {
	return sourceView{Name: cmp.Or(s.Name, s.Filter), Filter: s.Filter, Codec: s.Codec, Device: s.Device}
}

type tryInput struct {
	Body struct {
		Source        string `json:"source,omitempty" doc:"name or filter of a source; empty: the one that claims the topic"`
		Topic         string `json:"topic,omitempty" doc:"empty: one of the source's on which readings come"`
		Payload       string `json:"payload,omitempty" doc:"as text"`
		PayloadBase64 []byte `json:"payload_base64,omitempty" doc:"or as bytes"`
		Script        string `json:"script,omitempty" doc:"payload script to use in place of the model's"`
		FPort         *int   `json:"f_port,omitempty" minimum:"0" maximum:"255" doc:"the payload is a bare LoRaWAN frame on this port, for the script to decode"`
	}
}

type tryAnswer struct{ Body views.Trial }

func (s *rest) registerSources() {
	tags := []string{"sources"}
	route(s, huma.Operation{
		OperationID: "list-sources", Method: http.MethodGet, Path: "/sources", Tags: tags,
		Summary: "Which topics are listened to, and in which format",
	}, access.Read, s.listSources)
	route(s, huma.Operation{
		OperationID: "try-codec", Method: http.MethodPost, Path: "/codecs/try", Tags: tags,
		Summary:       "What would become of a message; nothing is stored",
		DefaultStatus: http.StatusOK,
	}, access.HandleRefused, s.tryCodec)
}

func (s *rest) listSources(context.Context, *struct{}) (*list[sourceView], error) {
	return whole(s.deps.Sources.Sources(), showSource), nil
}

func (s *rest) tryCodec(ctx context.Context, in *tryInput) (*tryAnswer, error) {
	b := &in.Body
	switch {
	case b.Payload != "" && len(b.PayloadBase64) > 0:
		return nil, invalid("body", "must hold payload or payload_base64, not both", nil)
	case b.FPort == nil && b.Source == "" && b.Topic == "":
		return nil, invalid("body", "must name a source or a topic, or hold a script and an f_port", nil)
	case b.FPort != nil && b.Script == "":
		return nil, invalid("body.f_port", "is for a bare frame, which needs a script", *b.FPort)
	}
	payload := b.PayloadBase64
	if b.Payload != "" {
		payload = []byte(b.Payload)
	}
	trial, err := s.deps.Sources.Try(ctx, ingest.TrialRequest{
		Source: b.Source, Topic: b.Topic, Payload: payload, Script: b.Script, FPort: b.FPort,
	})
	if errors.Is(err, ingest.ErrNoSource) {
		return nil, invalid("body.source", err.Error(), b.Source)
	}
	if err != nil {
		return nil, err
	}
	return &tryAnswer{Body: views.ShowTrial(trial)}, nil
}
