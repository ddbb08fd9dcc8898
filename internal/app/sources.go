package app

import (
	"telltale/ingest/codec"
	"telltale/internal/config"
)

// sources are the configured topics as the router wants them.
func sources(list []config.Source) []codec.Source {
	out := make([]codec.Source, len(list))
	for i, s := range list {
		out[i] = codec.Source{Name: s.Name, Filter: s.Filter, Codec: s.Codec, Device: s.Device, Timezone: s.Timezone}
		if s.Codec == "fields" {
			out[i].Fields = fieldMap(&s)
		}
	}
	return out
}

// fieldMap is where the readings of a source are.
func fieldMap(s *config.Source) *codec.FieldMap {
	metrics := make(map[string]codec.Field, len(s.Metrics))
	for name, m := range s.Metrics {
		metrics[name] = codec.Field{Path: m.Path, Unit: m.Unit, UnitPath: m.UnitPath, Numeric: m.Numeric, Labels: m.Labels}
	}
	return &codec.FieldMap{Records: s.Records, Time: s.Time, Layout: s.Layout, Faults: s.Faults, Metrics: metrics}
}
