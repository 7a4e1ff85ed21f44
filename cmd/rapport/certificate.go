package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// certificate is the home's TLS certificate, read from its files again when they have changed: whoever renews it only puts the new
// files in place. Files that cannot be used leave the last good one in use, and the log says so.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu    sync.Mutex
	stamp string // of the files when they were last read, good or not
	now   *tls.Certificate
}

// loadCertificate reads the files for the first time, when there is nothing to fall back on.
func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	stamp := c.stampOf()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be used; check --tls-cert and --tls-key: %w", err)
	}
	c.stamp, c.now = stamp, &pair
	return c, nil
}

// config is for a server that speaks TLS 1.2 or newer.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil }}
}

// current is asked at every handshake: looking at two files costs nothing beside one.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp := c.stampOf()
	if stamp == c.stamp {
		return c.now
	}
	c.stamp = stamp
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("the new certificate cannot be used, so the old one stays in use: put a certificate and its key in place", "error", err)
		return c.now
	}
	c.log.Info("a new certificate is in use", "until", pair.Leaf.NotAfter)
	c.now = &pair
	return c.now
}

// stampOf changes when one of the files does.
func (c *certificate) stampOf() string {
	stamp := ""
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
		} else {
			stamp += "none "
		}
	}
	return stamp
}
