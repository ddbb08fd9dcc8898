package ingest

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"

	"telltale/ingest/stream"
	"telltale/internal/gatewaytest"
)

// secured is Mosquitto's configuration of an address for TLS, where clients
// must present a certificate of the same authority.
func secured(port int, files CertificateFiles) string {
	return fmt.Sprintf("listener %d 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\n",
		port, files.CA, files.Cert, files.Key)
}

func TestSubscriberAndMosquittoKnowEachOther(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	port, expiredPort := gatewaytest.UnusedPort(t), gatewaytest.UnusedPort(t)
	past := func(c *x509.Certificate) { c.NotBefore = c.NotBefore.AddDate(-2, 0, 0); expired(c) }
	startMosquitto(t, secured(port, ours.files("broker")), secured(expiredPort, ours.files("broker", past)))
	p := startPipeline(t, &memory{}, PipelineOptions{})
	named := ours.files("node-1")
	named.ServerName = "broker.example"
	blind := ours.files("node-1")
	blind.ServerName, blind.InsecureSkipVerify = "broker.example", true

	for _, c := range []struct {
		name  string
		files CertificateFiles
		port  int
		want  string // why it is not ready; "": it is
	}{
		{"both have certificates of the authority", ours.files("node-1"), port, ""},
		{"the broker's is of an authority that we do not trust", theirs.files("node-1"), port, "unknown authority"},
		{"we have none", CertificateFiles{CA: ours.file}, port, "certificate required"},
		{"ours is of an authority that the broker does not trust",
			CertificateFiles{CA: ours.file, Cert: theirs.files("node-1").Cert}, port, "unknown certificate authority"},
		{"the broker's is for another name", named, port, "wanted to match broker.example"},
		{"the broker's name is not looked at", blind, port, ""},
		{"the broker's has expired", ours.files("node-1"), expiredPort, "certificate has expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.files.Cert != "" && c.files.Key == "" {
				c.files.Key = strings.Replace(c.files.Cert, "cert.pem", "key.pem", 1)
			}
			s := newSubscriber(t, p, SubscriberOptions{
				URL: fmt.Sprintf("mqtts://127.0.0.1:%d", c.port), ClientID: "node " + c.name,
				Certificates: readCertificates(t, c.files), Log: zap.NewNop(),
			})
			run(t, s.Run)
			if c.want == "" {
				awaitReady(t, s, true)
				return
			}
			await(t, "the reason is known", func() bool {
				return strings.Contains(fmt.Sprint(s.Ready()), c.want)
			})
		})
	}
}

// TestCertificatesAreRenewedWithoutARestart has a Mosquitto whose authority and
// certificate change while it is away, and ours with them.
func TestCertificatesAreRenewedWithoutARestart(t *testing.T) {
	t.Parallel()
	old, renewed := newAuthority(t), newAuthority(t)
	port := gatewaytest.UnusedPort(t)
	theirs, ours := old.files("broker"), old.files("node-1")
	broker := startMosquitto(t, saveAlways, secured(port, theirs))
	log := openLog(t, stream.Options{})
	p := startPipeline(t, log, PipelineOptions{})
	s := newSubscriber(t, p, SubscriberOptions{URL: fmt.Sprintf("mqtts://127.0.0.1:%d", port),
		Certificates: readCertificates(t, ours), Log: zap.NewNop()})
	run(t, s.Run)
	awaitReady(t, s, true)
	publishSeq(t, broker.addr, "fridge-1", 1, 10)
	await(t, "10 are stored", func() bool { return len(missing(allReports(t, log)["fridge-1"], 10)) == 0 })

	theirsNow, oursNow := renewed.files("broker"), renewed.files("node-1")
	replace(t, theirs.Cert, theirsNow.Cert)
	replace(t, theirs.Key, theirsNow.Key)
	broker.kill()
	awaitReady(t, s, false)
	replace(t, ours.Cert, oursNow.Cert)
	replace(t, ours.Key, oursNow.Key)
	replace(t, ours.CA, renewed.file) // the broker's as well
	broker.start()
	awaitReady(t, s, true)
	publishSeq(t, broker.addr, "fridge-1", 11, 20)
	await(t, "20 are stored", func() bool { return len(missing(allReports(t, log)["fridge-1"], 20)) == 0 })
}
