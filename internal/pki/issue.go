// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"teiten/internal/fault"
)

const (
	// ServerLife is below what browsers accept of a server's certificate, 398 days.
	ServerLife = 397 * 24 * time.Hour
	// ClientLife is the life of a client's certificate unless another is asked for.
	ClientLife = 365 * 24 * time.Hour
	// MaxClientLife bounds what may be asked for.
	MaxClientLife = 3 * 366 * 24 * time.Hour

	maxHosts = 50
	// idPrefix stands before the random name of a client's certificate in its
	// alternative names.
	idPrefix = "urn:teiten:certificate:"
)

// Client issues a certificate with which a person, a shared PC or a machine
// proves itself (clientAuth only). It names the organisation and nobody: the
// common name is random, because every server on the way can read it. A valid
// of 0 means ClientLife; the certificate never outlives the authority.
func (a *Authority) Client(organisation string, public crypto.PublicKey, valid time.Duration, now time.Time) (*x509.Certificate, error) {
	if valid == 0 {
		valid = ClientLife
	}
	if valid < time.Minute || valid > MaxClientLife {
		return nil, fault.New(fault.Invalid, "pki.valid", "most", int(MaxClientLife.Hours()/24)).At("valid")
	}
	id := newID()
	uri, err := url.Parse(idPrefix + id)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{Organization: []string{cut(organisation)}, CommonName: id},
		URIs:        []*url.URL{uri},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, public, valid, now)
}

// Server issues a certificate for the portal's own door (serverAuth only), for
// host names and addresses as Hosts returns them.
func (a *Authority) Server(hosts []string, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	hosts, err := Hosts(hosts)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: a.cert.Subject.Organization, CommonName: cut(hosts[0])},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip, err := netip.ParseAddr(h); err == nil {
			template.IPAddresses = append(template.IPAddresses, net.IP(ip.AsSlice()))
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	return a.issue(template, public, ServerLife, now)
}

// issue fills in what all certificates have and signs.
func (a *Authority) issue(t *x509.Certificate, public crypto.PublicKey, valid time.Duration, now time.Time) (*x509.Certificate, error) {
	if err := checkKey(public); err != nil {
		return nil, err
	}
	now = now.UTC()
	if now.Before(a.cert.NotBefore) || !now.Before(a.cert.NotAfter) {
		return nil, fault.New(fault.Unavailable, "pki.authority_time",
			"from", a.cert.NotBefore, "until", a.cert.NotAfter)
	}
	t.SerialNumber = newSerial()
	t.NotBefore, t.NotAfter = now.Add(-backdate).Truncate(time.Second), now.Add(valid).Truncate(time.Second)
	if t.NotBefore.Before(a.cert.NotBefore) {
		t.NotBefore = a.cert.NotBefore
	}
	if t.NotAfter.After(a.cert.NotAfter) {
		t.NotAfter = a.cert.NotAfter
	}
	t.BasicConstraintsValid = true // and IsCA false
	t.KeyUsage = x509.KeyUsageDigitalSignature
	var err error
	if t.SubjectKeyId, err = keyID(public); err != nil {
		return nil, err
	}
	return sign(t, a.cert, public, a.key)
}

// Hosts checks the names and addresses under which the portal is reached and
// returns them in one form: lower case, ASCII (IDNA), sorted, each once. At
// least one, at most 50.
func Hosts(written []string) ([]string, error) {
	var hosts []string
	for _, w := range written {
		w = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(w)), ".")
		if ip, err := netip.ParseAddr(strings.Trim(w, "[]")); err == nil && ip.Zone() == "" {
			hosts = append(hosts, ip.Unmap().String())
			continue
		}
		name, err := idna.Lookup.ToASCII(w)
		if err != nil || !hostName(name) {
			return nil, fault.Wrap(err, fault.Invalid, "pki.host", "host", clip(w)).At("hosts")
		}
		hosts = append(hosts, name)
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	if len(hosts) == 0 {
		return nil, fault.New(fault.Invalid, "pki.hosts_none").At("hosts")
	}
	if len(hosts) > maxHosts {
		return nil, fault.New(fault.TooLarge, "pki.hosts_many", "most", maxHosts).At("hosts")
	}
	return hosts, nil
}

// hostName reports whether s is a host name (RFC 1123, 2.1). One that ends in
// a number would be read as an address.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' ||
			strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// clip shortens what is quoted back.
func clip(s string) string {
	if runes := []rune(s); len(runes) > maxAttribute {
		return string(runes[:maxAttribute]) + "…"
	}
	return s
}

// publicBits returns the public key's bits in a SubjectPublicKeyInfo.
func publicBits(der []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	_, err := asn1.Unmarshal(der, &info)
	return info.Key.Bytes, err
}
