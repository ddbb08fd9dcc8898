package ingest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// CertificateFiles name the PEM files of a TLS connection, and how the other
// side is judged. The zero value trusts the system's roots and presents
// nothing.
type CertificateFiles struct {
	// Cert and Key are what we present: a certificate, followed by those that
	// lead to its authority, and its private key. Both or neither; a server
	// needs them.
	Cert, Key string

	// CA holds the authorities that the other side's certificate must come
	// from. Empty: for a client the system's roots; a server then asks its
	// clients for no certificate.
	CA string

	// ServerName is what the certificate of a server must be for. Empty: the
	// host in the URL. For clients.
	ServerName string

	// InsecureSkipVerify accepts any server, also one that only pretends to be
	// it. For clients, and for a laboratory.
	InsecureSkipVerify bool
}

// Certificates are the files' contents, as they are now: they are read again
// when a file has changed, so that certificates can be renewed under a running
// gateway. A connection keeps what it began with. When the new contents are of
// no use (a key that does not belong to the certificate, say, because the other
// file is still being written) the former ones stay in use.
//
// Its methods are safe for concurrent use.
type Certificates struct {
	files CertificateFiles
	log   *zap.Logger

	mu     sync.Mutex
	config *tls.Config // never modified once it is here
	seen   stamps      // when the files were read last
}

// stamps tell one state of the three files from another.
type stamps [3]struct{ modified, size int64 }

// CertificateOptions are for those who watch the gateway.
type CertificateOptions struct {
	// Metrics is where the end of what we present is registered. Nil: nowhere.
	Metrics prometheus.Registerer

	// Log is told when certificates were renewed or could not be. Nil: nobody.
	Log *zap.Logger
}

// ReadCertificates reads the files. The error names every file that is
// missing, is no PEM, does not fit the other or is not valid at this time.
func ReadCertificates(files CertificateFiles, opts CertificateOptions) (*Certificates, error) {
	c := &Certificates{files: files, log: cmp.Or(opts.Log, zap.NewNop()), seen: files.stamps()}
	var err error
	if c.config, err = files.read(time.Now()); err != nil {
		return nil, err
	}
	expires := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "telltale_mqtt_certificate_expires_seconds",
		Help: "Unix time at which the certificate that we present over MQTT expires; 0 when we present none.",
	}, func() float64 { return float64(max(0, expiry(c.Current()).Unix())) })
	if err := register(opts.Metrics, expires); err != nil {
		return nil, fmt.Errorf("register certificate metrics: %w", err)
	}
	return c, nil
}

// Current returns what to begin a connection with. It must not be modified.
func (c *Certificates) Current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.files.stamps()
	if now == c.seen {
		return c.config
	}
	c.seen = now
	config, err := c.files.read(time.Now())
	if err != nil {
		c.log.Error("changed certificates are of no use, the former stay", zap.Error(err))
		return c.config
	}
	c.log.Info("certificates renewed", zap.Time("valid_until", expiry(config)))
	c.config = config
	return config
}

// ForServer returns the set-up of a listener: each connection begins with what
// is current. Clients must present a certificate when there is a CA.
func (c *Certificates) ForServer() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.Current(), nil },
	}
}

// forClient is what to connect with now.
func (c *Certificates) forClient() *tls.Config {
	if c == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return c.Current()
}

// presentNothing reports whether there is no certificate of our own.
func (c *Certificates) presentNothing() bool { return c != nil && c.files.Cert == "" }

func (f CertificateFiles) stamps() (seen stamps) {
	for i, path := range []string{f.Cert, f.Key, f.CA} {
		if info, err := os.Stat(path); err == nil {
			seen[i].modified, seen[i].size = info.ModTime().UnixNano(), info.Size()
		}
	}
	return seen
}

// read returns the files' contents as both a client's and a server's set-up.
func (f CertificateFiles) read(now time.Time) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName, InsecureSkipVerify: f.InsecureSkipVerify}
	var errs []error
	if f.Cert != "" || f.Key != "" {
		pair, err := readPair(f.Cert, f.Key, now)
		config.Certificates = []tls.Certificate{pair}
		errs = append(errs, err)
	}
	if f.CA != "" {
		pool, err := readAuthorities(f.CA, now)
		config.RootCAs, config.ClientCAs, config.ClientAuth = pool, pool, tls.RequireAndVerifyClientCert
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return config, nil
}

func readPair(cert, key string, now time.Time) (tls.Certificate, error) {
	if cert == "" || key == "" {
		return tls.Certificate{}, errors.New("a certificate needs its key, and a key its certificate: only one of them is given")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("certificate %s with key %s: %w", cert, key, err)
	}
	if err := validAt(pair.Leaf, now); err != nil {
		return pair, fmt.Errorf("certificate %s: %w", cert, err)
	}
	return pair, nil
}

// readAuthorities wants one that is valid now: bundles may carry former ones.
func readAuthorities(path string, now time.Time) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	pool := x509.NewCertPool()
	invalid := errors.New("holds no certificate in PEM form")
	valid := false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("authorities %s: %w", path, err)
		}
		pool.AddCert(cert)
		if err := validAt(cert, now); err != nil {
			invalid = err
			continue
		}
		valid = true
	}
	if !valid {
		return nil, fmt.Errorf("authorities %s: %w", path, invalid)
	}
	return pool, nil
}

func validAt(cert *x509.Certificate, now time.Time) error {
	switch {
	case now.After(cert.NotAfter):
		return fmt.Errorf("expired at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(cert.NotBefore):
		return fmt.Errorf("is not valid before %s", cert.NotBefore.UTC().Format(time.RFC3339))
	default:
		return nil
	}
}

// expiry is when what we present ends; zero when we present nothing.
func expiry(config *tls.Config) time.Time {
	if len(config.Certificates) == 0 {
		return time.Time{}
	}
	return config.Certificates[0].Leaf.NotAfter
}
