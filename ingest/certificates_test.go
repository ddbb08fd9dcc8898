package ingest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// authority issues certificates for a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its own certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t), file: filepath.Join(t.TempDir(), "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes a certificate for 127.0.0.1 with a common name, and its key, to
// files in a folder. edit may change it first.
func (a *authority) issue(dir, name string, edit ...func(*x509.Certificate)) (cert, key string) {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, e := range edit {
		e(template)
	}
	private := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(a.t, cert, "CERTIFICATE", der)
	writePEM(a.t, key, "PRIVATE KEY", secret)
	return cert, key
}

func expired(c *x509.Certificate) { c.NotAfter = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// files issues a certificate and returns it with its authority.
func (a *authority) files(name string, edit ...func(*x509.Certificate)) CertificateFiles {
	a.t.Helper()
	cert, key := a.issue(a.t.TempDir(), name, edit...)
	return CertificateFiles{Cert: cert, Key: key, CA: a.file}
}

func readCertificates(t testing.TB, files CertificateFiles) *Certificates {
	t.Helper()
	c, err := ReadCertificates(files, CertificateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFilesThatAreOfNoUseAreNamed(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good, other, old := ca.files("a"), ca.files("b"), ca.files("c", func(c *x509.Certificate) {
		c.NotBefore = c.NotBefore.AddDate(-2, 0, 0)
		expired(c)
	})
	early := ca.files("d", func(c *x509.Certificate) {
		c.NotBefore = time.Date(2222, 1, 1, 0, 0, 0, 0, time.UTC)
		c.NotAfter = c.NotBefore
	})
	for _, c := range []struct {
		name  string
		files CertificateFiles
		want  string
	}{
		{"a certificate that is not there", CertificateFiles{Cert: "/none.pem", Key: good.Key},
			"certificate /none.pem with key {key}: open /none.pem: no such file or directory"},
		{"a key that is not there", CertificateFiles{Cert: good.Cert, Key: "/none.pem"},
			"certificate {cert} with key /none.pem: open /none.pem: no such file or directory"},
		{"no key at all", CertificateFiles{Cert: good.Cert},
			"a certificate needs its key, and a key its certificate: only one of them is given"},
		{"the key of another certificate", CertificateFiles{Cert: good.Cert, Key: other.Key},
			"certificate {cert} with key {key}: tls: private key does not match public key"},
		{"an expired certificate", CertificateFiles{Cert: old.Cert, Key: old.Key}, "certificate {cert}: expired at 2026-01-02T03:04:05Z"},
		{"one that is not valid yet", CertificateFiles{Cert: early.Cert, Key: early.Key}, "certificate {cert}: is not valid before 2222-01-01T00:00:00Z"},
		{"authorities that are not there", CertificateFiles{CA: "/none.pem"}, "read authorities: open /none.pem: no such file or directory"},
		{"authorities without a certificate", CertificateFiles{CA: good.Key}, "authorities {ca}: holds no certificate in PEM form"},
		{"authorities that have all expired", CertificateFiles{CA: old.Cert}, "authorities {ca}: expired at 2026-01-02T03:04:05Z"},
		{"two faults at once", CertificateFiles{Cert: good.Cert, CA: "/none.pem"},
			"a certificate needs its key, and a key its certificate: only one of them is given\nread authorities: open /none.pem: no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadCertificates(c.files, CertificateOptions{})
			want := strings.NewReplacer("{cert}", c.files.Cert, "{key}", c.files.Key, "{ca}", c.files.CA).Replace(c.want)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestABundleMayHoldAFormerAuthority(t *testing.T) {
	t.Parallel()
	former, now := newAuthority(t).files("old", func(c *x509.Certificate) {
		c.NotBefore = c.NotBefore.AddDate(-2, 0, 0)
		expired(c)
	}), newAuthority(t)
	old, err := os.ReadFile(former.Cert)
	if err != nil {
		t.Fatal(err)
	}
	current, err := os.ReadFile(now.file)
	if err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, append(old, current...), 0o600); err != nil {
		t.Fatal(err)
	}
	readCertificates(t, CertificateFiles{CA: bundle})
}

func TestFormerCertificatesStayUntilTheNewOnesFit(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	files := ca.files("first")
	c := readCertificates(t, files)
	name := func() string { return c.Current().Certificates[0].Leaf.Subject.CommonName }

	renewed := ca.files("second")
	replace(t, files.Cert, renewed.Cert)
	if name() != "first" { // its key is not there yet
		t.Errorf("half renewed: got %s", name())
	}
	replace(t, files.Key, renewed.Key)
	if name() != "second" {
		t.Errorf("renewed: got %s", name())
	}
	if err := os.Remove(files.Cert); err != nil {
		t.Fatal(err)
	}
	if name() != "second" {
		t.Errorf("removed: got %s", name())
	}
}

// replace puts a copy of a file in the place of another one.
func replace(t testing.TB, path, with string) {
	t.Helper()
	text, err := os.ReadFile(with)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestBrokerPresentsRenewedCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	files := ca.files("broker-1")
	files.CA = ""
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{
		ListenTLS: "127.0.0.1:0", Certificates: readCertificates(t, files)}, PipelineOptions{})
	presents := func() string {
		conn, err := tls.Dial("tcp", b.AddrTLS().String(), &tls.Config{RootCAs: pool(ca)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := presents(); got != "broker-1" {
		t.Errorf("got %s", got)
	}
	renewed := ca.files("broker-2")
	replace(t, files.Key, renewed.Key)
	replace(t, files.Cert, renewed.Cert)
	if got := presents(); got != "broker-2" {
		t.Errorf("after renewal: got %s", got)
	}
}

func pool(a *authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func TestDevicesLogInWithTheirCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	log := &memory{}
	b, p, _ := startBroker(t, log, BrokerOptions{
		Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Certificates: readCertificates(t, ca.files("broker")),
		Authenticator: Certified{Otherwise: Anonymous{}}, Log: zap.NewNop(),
	}, PipelineOptions{})
	dns := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = names }
	}
	for _, c := range []struct {
		name   string
		from   CertificateFiles
		user   string
		device string // it may publish for; "": it is refused
	}{
		{"the common name is the device", ca.files("fridge-1"), "", "fridge-1"},
		{"a user name that is the common name", ca.files("fridge-2"), "fridge-2", "fridge-2"},
		{"a user name that is another's", ca.files("fridge-1"), "fridge-2", ""},
		{"the only DNS name is the device", ca.files("", dns("fridge-3")), "", "fridge-3"},
		{"a user name chooses among DNS names", ca.files("", dns("fridge-4", "fridge-5")), "fridge-5", "fridge-5"},
		{"no user name chooses among DNS names", ca.files("", dns("fridge-4", "fridge-5")), "", ""},
		{"the common name wins over DNS names", ca.files("fridge-6", dns("fridge-7")), "", "fridge-6"},
		{"a certificate without names", ca.files(""), "", ""},
		{"a name that no device can have", ca.files("fridge 1/+"), "", ""},
		{"a certificate of another authority", newAuthority(t).files("fridge-1"), "", ""},
		{"an expired certificate", ca.files("fridge-1", func(c *x509.Certificate) { c.NotBefore = c.NotBefore.AddDate(-2, 0, 0); expired(c) }), "", ""},
		{"no certificate", CertificateFiles{}, "fridge-1", ""},
	} {
		config := &tls.Config{RootCAs: pool(ca)}
		if c.from.Cert != "" {
			pair, err := tls.LoadX509KeyPair(c.from.Cert, c.from.Key)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		client, err := dialTLS(b.AddrTLS(), config, visitor{id: "c-" + c.name, username: c.user, password: "none of ours"})
		switch {
		case err != nil && c.device == "":
			continue
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
			continue
		case c.device == "":
			t.Errorf("%s: is let in", c.name)
			continue
		}
		before := counterValue(t, p.metrics.reports)
		if err := client.publishAcked("telltale/"+c.device+"/telemetry", `{}`, 1); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := client.publish("telltale/fridge-900/telemetry", `{}`, 2); err == nil {
			_, _, _ = client.read() // refused one way or the other, but never stored
		}
		client.close()
		if got := counterValue(t, p.metrics.reports) - before; got != 1 {
			t.Errorf("%s: %v reports are stored, want its own", c.name, got)
		}
	}
	// The plain address is another matter.
	mustDial(t, b, visitor{id: "plain"})
}

// dialTLS connects as dial does.
func dialTLS(addr net.Addr, config *tls.Config, v visitor) (*client, error) {
	conn, err := tls.Dial("tcp", addr.String(), config)
	if err != nil {
		return nil, err
	}
	return connectOver(conn, v)
}

func TestAFailedHandshakeIsToldToTheOperator(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	core, logged := observer.New(zap.InfoLevel)
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{ListenTLS: "127.0.0.1:0", Certificates: readCertificates(t, ca.files("broker")),
		Authenticator: Certified{Otherwise: Anonymous{}}, Log: zap.New(core)}, PipelineOptions{})

	probe, err := net.Dial("tcp", b.AddrTLS().String()) // and hangs up: no line
	if err != nil {
		t.Fatal(err)
	}
	_ = probe.Close()
	if _, err := dial(b.AddrTLS(), visitor{id: "plain"}); err == nil {
		t.Error("a client without TLS is let in")
	}
	b.Close()
	<-b.listener.served
	b.listener.running.Wait()
	lines := logged.FilterMessage("TLS handshake failed").All()
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].ContextMap()["error"]), "does not look like a TLS handshake") {
		t.Errorf("logged %v, want the client without TLS", logged.All())
	}
	if n := counterValue(t, b.listener.metrics.refused.WithLabelValues("tls")); n != 1 {
		t.Errorf("counted %v, want 1", n)
	}
}

func TestNobodyIsAnonymousOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	files := ca.files("broker")
	files.CA = ""
	b, _, _ := startBroker(t, &memory{}, BrokerOptions{ListenTLS: "127.0.0.1:0", Certificates: readCertificates(t, files),
		Authenticator: Certified{Otherwise: Anonymous{Otherwise: logins{"fridge-1": "a"}}}, Log: zap.NewNop()}, PipelineOptions{})
	trusting := &tls.Config{RootCAs: pool(ca)}
	if _, err := dialTLS(b.AddrTLS(), trusting, visitor{id: "x"}); err == nil {
		t.Error("a client without a login is let in")
	}
	c, err := dialTLS(b.AddrTLS(), trusting, visitor{id: "x", username: "fridge-1", password: "a"})
	if err != nil {
		t.Fatal(err)
	}
	c.close()
}

func TestThePlainAddressCanBeLeftOut(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	p := startPipeline(t, &memory{}, PipelineOptions{})
	b, err := NewBroker(p, BrokerOptions{ListenTLS: "127.0.0.1:0", Certificates: readCertificates(t, ca.files("broker"))})
	if err != nil {
		t.Fatal(err)
	}
	run(t, b.Run)
	if b.Addr() != nil || b.AddrTLS() == nil {
		t.Errorf("addresses: plain %v, TLS %v", b.Addr(), b.AddrTLS())
	}
	for _, c := range []struct {
		opts BrokerOptions
		want string
	}{
		{BrokerOptions{}, "open MQTT address: none is given"},
		{BrokerOptions{ListenTLS: "127.0.0.1:0"}, "broker options: a TLS address and a certificate to present there need each other"},
		{BrokerOptions{ListenTLS: "127.0.0.1:0", Certificates: readCertificates(t, CertificateFiles{CA: ca.file})},
			"broker options: a TLS address and a certificate to present there need each other"},
	} {
		if _, err := NewBroker(p, c.opts); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}
