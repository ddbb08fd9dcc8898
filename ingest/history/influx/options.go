package influx

import (
	"errors"
	"fmt"
	"net/url"
)

// Options say which InfluxDB holds the history.
type Options struct {
	URL    string // http or https. Required
	Token  string // 2.x, 3: an API token; 1.8: "user:password"; "": none is asked for
	Org    string // 2.x only
	Bucket string // 2.x, 3: its name; 1.8: "database" or "database/retention policy". Required
}

func (o *Options) validate() error {
	var errs []error
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, errors.New("url: must be of the form http://host:port"))
	}
	if o.Bucket == "" {
		errs = append(errs, errors.New("bucket: is required"))
	}
	if len(errs) > 0 {
		return fmt.Errorf("InfluxDB: %w", errors.Join(errs...))
	}
	return nil
}
