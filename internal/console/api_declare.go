package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"telltale/internal/access"
	"telltale/internal/declare"
)

// planView says what applying declarations does, or has done.
type planView struct {
	Created   int          `json:"created"`
	Changed   int          `json:"changed"`
	Unchanged int          `json:"unchanged"`
	Version   int64        `json:"version" doc:"of all declarations together"`
	Changes   []changeView `json:"changes" doc:"what is created or changed"`
	Text      string       `json:"text" doc:"the plan as people read it"`
}

type changeView struct {
	Kind   string      `json:"kind"`
	ID     string      `json:"id"`
	Action string      `json:"action" enum:"created,changed"`
	Fields []fieldView `json:"fields,omitempty" doc:"what differs in a changed one"`
}

type fieldView struct {
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

func showPlan(p declare.Plan) planView {
	v := planView{
		Created: p.Count(declare.Created), Changed: p.Count(declare.Changed), Unchanged: p.Count(declare.Unchanged),
		Version: p.Version, Changes: []changeView{}, Text: p.String(),
	}
	for _, c := range p.Changes {
		if c.Action == declare.Unchanged {
			continue
		}
		change := changeView{Kind: string(c.Ref.Kind), ID: c.Ref.ID, Action: string(c.Action)}
		for _, f := range c.Fields {
			change.Fields = append(change.Fields, fieldView(f))
		}
		v.Changes = append(v.Changes, change)
	}
	return v
}

type planAnswer struct{ Body planView }

// declareInput is YAML, or several files as JSON.
type declareInput struct {
	ContentType string `header:"Content-Type"`
	RawBody     []byte `contentType:"application/yaml"`
}

// sourcesBody is the JSON form, which keeps the names of files for errors.
type sourcesBody struct {
	Sources []struct {
		Name     string            `json:"name"`
		Text     string            `json:"text"`
		Decoders map[string]string `json:"decoders"` // by the path that decoder_file names
	} `json:"sources"`
}

func (s *rest) registerDeclarations() {
	operation := func(id, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: "/" + id, Tags: []string{"declarations"}, Summary: summary,
			Description:  `Takes the YAML documents of the declarations, or, to keep file names in errors, the JSON {"sources": [{"name": "...", "text": "..."}]}; a source's "decoders" hold the payload scripts that its models name as decoder_file, by that name.`,
			MaxBodyBytes: maxDeclaration, DefaultStatus: http.StatusOK,
		}
	}
	route(s, operation("plan", "What applying declarations would change"), access.Declare,
		func(ctx context.Context, in *declareInput) (*planAnswer, error) {
			return s.declare(in, func(set *declare.Set) (declare.Plan, error) { return s.deps.Declarations.Plan(ctx, set) })
		})
	route(s, operation("apply", "Apply declarations, all or nothing"), access.Declare,
		func(ctx context.Context, in *declareInput) (*planAnswer, error) {
			return s.declare(in, func(set *declare.Set) (declare.Plan, error) {
				return s.deps.Declarations.Apply(ctx, set, actorOf(ctx))
			})
		})
}

func (s *rest) declare(in *declareInput, do func(*declare.Set) (declare.Plan, error)) (*planAnswer, error) {
	sources, err := in.sources()
	if err != nil {
		return nil, err
	}
	set, err := declare.ParseSources(sources...)
	if err != nil {
		return nil, declarationProblem(err)
	}
	if set.Len() == 0 {
		return nil, invalid("body", "holds no declaration", nil)
	}
	plan, err := do(set)
	if err != nil {
		return nil, declarationProblem(err)
	}
	return &planAnswer{Body: showPlan(plan)}, nil
}

func (in *declareInput) sources() ([]declare.Source, error) {
	if media, _, _ := mime.ParseMediaType(in.ContentType); media != "application/json" {
		return []declare.Source{{Name: "body", Text: in.RawBody}}, nil
	}
	var body sourcesBody
	if err := json.Unmarshal(in.RawBody, &body); err != nil {
		return nil, invalid("body", fmt.Sprintf("is no JSON of sources: %v", err), nil)
	}
	sources := make([]declare.Source, len(body.Sources))
	for i, source := range body.Sources {
		sources[i] = declare.Source{Name: source.Name, Text: []byte(source.Text), Decoders: source.Decoders}
	}
	return sources, nil
}

// declarationProblem turns the faults of declarations into a problem that
// lists them, each with its line.
func declarationProblem(err error) error {
	var faults declare.Errors
	if !errors.As(err, &faults) {
		return err
	}
	const most = 100 // a file of another kind can have a fault per line
	details := make([]error, 0, min(len(faults), most))
	for _, fault := range faults[:min(len(faults), most)] {
		details = append(details, &huma.ErrorDetail{Message: fault.Error()})
	}
	return huma.NewError(http.StatusUnprocessableEntity, "validation failed", details...)
}
