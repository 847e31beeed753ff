// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// Reason is why a client's certificate is not believed.
type Reason string

const (
	Malformed  Reason = "malformed"   // cannot be judged: a critical extension or a key of an unknown kind, too long a chain
	SelfSigned Reason = "self_signed" // vouches for itself
	Weak       Reason = "weak"        // RSA below 2048 bits, or a signature with SHA-1 or older, anywhere in its chain
	Foreign    Reason = "foreign"     // of an authority that is not trusted, or outside of what it may sign
	Usage      Reason = "usage"       // not for clients, or an authority's own
	NotYet     Reason = "not_yet"     // begins later
	Expired    Reason = "expired"     // has ended, or an authority's in its chain
)

// Refusal is the error of Verify.
type Refusal struct {
	Reason Reason
	Err    error // the cause, for the log; may be nil
}

func (r *Refusal) Error() string {
	if r.Err == nil {
		return "pki: certificate refused: " + string(r.Reason)
	}
	return "pki: certificate refused: " + string(r.Reason) + ": " + r.Err.Error()
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Verify judges a client's certificate at a time: one of the roots stands at
// the end of its chain (RFC 5280, section 6), it is meant for clients, and
// nothing in the chain is weak. It returns the chain, leaf and root included.
// Beyond what crypto/x509 demands, the leaf must name clientAuth itself and be
// no authority's. The error is a *Refusal. Whether the certificate was revoked
// is not looked at.
func Verify(leaf *x509.Certificate, intermediates, roots []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	if leaf == nil || leaf.PublicKey == nil || len(leaf.UnhandledCriticalExtensions) > 0 || len(intermediates) > maxChain {
		return nil, &Refusal{Reason: Malformed}
	}
	// What can be told from the leaf alone goes first: no key of unknown size
	// takes part in a calculation.
	if weak(leaf, false) {
		return nil, &Refusal{Reason: Weak}
	}
	isRoot := slices.ContainsFunc(roots, leaf.Equal)
	if !isRoot && selfSigned(leaf) {
		return nil, &Refusal{Reason: SelfSigned}
	}
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, r := range roots {
		o.Roots.AddCert(r)
	}
	var above []*x509.Certificate
	for _, i := range intermediates {
		if !weak(i, false) {
			o.Intermediates.AddCert(i)
			above = append(above, i)
		}
	}
	chains, err := leaf.Verify(o)
	if err != nil {
		return nil, refusal(leaf, intermediates, above, roots, now, err)
	}
	if isRoot || !forClients(leaf) {
		return nil, &Refusal{Reason: Usage}
	}
	for _, chain := range chains {
		if !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return weakKey(c) }) {
			return chain, nil
		}
	}
	return nil, &Refusal{Reason: Weak}
}

// refusal finds the reason why no chain was found: it looks for a path by
// names and signatures alone, and then for what is wrong with it.
func refusal(leaf *x509.Certificate, given, strong, roots []*x509.Certificate, now time.Time, err error) *Refusal {
	p := path(leaf, strong, roots)
	if p == nil {
		// A weak certificate was left out of the search and may have been the bridge.
		for _, c := range given {
			if weak(c, false) && bytes.Equal(c.RawSubject, leaf.RawIssuer) {
				return &Refusal{Weak, err}
			}
		}
		return &Refusal{Foreign, err}
	}
	if !forClients(leaf) {
		return &Refusal{Usage, err}
	}
	for _, c := range p {
		if now.Before(c.NotBefore) {
			return &Refusal{NotYet, err}
		}
		if now.After(c.NotAfter) {
			return &Refusal{Expired, err}
		}
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage {
		return &Refusal{Usage, err}
	}
	return &Refusal{Foreign, err} // the authority may not sign this
}

// path follows issuers from the leaf to a root, whatever their dates and
// usages; nil if there is none. It checks at most one signature for each
// certificate given: none is visited twice.
func path(leaf *x509.Certificate, intermediates, roots []*x509.Certificate) []*x509.Certificate {
	used := make([]bool, len(intermediates))
	var follow func(c *x509.Certificate) []*x509.Certificate
	follow = func(c *x509.Certificate) []*x509.Certificate {
		for _, r := range roots {
			if c.Equal(r) {
				return []*x509.Certificate{c}
			}
			if signed(c, r) {
				return []*x509.Certificate{c, r}
			}
		}
		for i, above := range intermediates {
			if used[i] || !signed(c, above) {
				continue
			}
			used[i] = true
			if rest := follow(above); rest != nil {
				return append([]*x509.Certificate{c}, rest...)
			}
		}
		return nil
	}
	return follow(leaf)
}

func signed(c, by *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, by.RawSubject) &&
		by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

func selfSigned(c *x509.Certificate) bool { return signed(c, c) }

// forClients reports whether a certificate is a leaf that names clientAuth and
// whose key may sign.
func forClients(c *x509.Certificate) bool {
	return !c.IsCA && slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) &&
		(c.KeyUsage == 0 || c.KeyUsage&x509.KeyUsageDigitalSignature != 0)
}

// weak reports whether a certificate's key or the signature on it is too weak;
// the signature on an anchor is not what it is trusted for.
func weak(c *x509.Certificate, anchor bool) bool {
	if weakKey(c) {
		return true
	}
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return !anchor
	}
	return false
}

// weakKey reports whether a key is of DSA, or of RSA and too short, or so long
// that checking its signatures would be an attack.
func weakKey(c *x509.Certificate) bool {
	k, ok := c.PublicKey.(*rsa.PublicKey)
	return c.PublicKeyAlgorithm == x509.DSA || ok && (k.N.BitLen() < minRSA || k.N.BitLen() > maxRSA)
}
