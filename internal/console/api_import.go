package console

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telltale/devices"
	"telltale/internal/access"
	"telltale/internal/views"
)

type importInput struct{ Body views.ReadingsImport }

type importAnswer struct{ Body views.ImportResult }

// loggerAlarmView is an alarm of a logger with the file that says so.
type loggerAlarmView struct {
	views.ImportAlarm
	File       string    `json:"file" doc:"SHA-256"`
	Name       string    `json:"name"`
	Line       int       `json:"line"`
	ImportedAt time.Time `json:"imported_at"`
}

// maxLoggerAlarms is how many of a device are shown: three years of days.
const maxLoggerAlarms = 1000

func (s *rest) registerImports() {
	tags := []string{"devices"}
	route(s, huma.Operation{
		OperationID: "import-readings", Method: http.MethodPost, Path: "/readings/import", Tags: tags,
		Summary:      "Store the readings of a logger's file, and what it noted itself",
		Description:  "For files in parts of up to 5000 entries. Readings are stored durably at their own time, as late ones; importing them twice changes nothing. Lines that are not believed are in the answer.",
		MaxBodyBytes: maxDeclaration, DefaultStatus: http.StatusOK,
	}, access.Declare, s.importReadings)
	route(s, huma.Operation{
		OperationID: "list-logger-alarms", Method: http.MethodGet, Path: "/devices/{id}/logger-alarms", Tags: tags,
		Summary: "What a logger noted itself, the latest first, from the files that were imported",
	}, access.Read, s.listLoggerAlarms)
}

func (s *rest) importReadings(ctx context.Context, in *importInput) (*importAnswer, error) {
	result, err := s.deps.Importer.ImportReadings(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	if result.Rejected == nil {
		result.Rejected = []views.Rejection{}
	}
	return &importAnswer{Body: result}, nil
}

func (s *rest) listLoggerAlarms(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*list[loggerAlarmView], error) {
	if _, err := s.deps.Devices.Device(ctx, devices.ID(in.ID), s.now()); err != nil {
		return nil, err
	}
	alarms, _, err := s.deps.LoggerAlarms.LoggerAlarms(ctx, devices.ID(in.ID), maxLoggerAlarms)
	if err != nil {
		return nil, err
	}
	return whole(alarms, func(a views.LoggerAlarm) loggerAlarmView {
		return loggerAlarmView{
			ImportAlarm: views.NewImportAlarm(a.Alarm), File: a.File, Name: a.Name, Line: a.Line, ImportedAt: a.ImportedAt,
		}
	}), nil
}
