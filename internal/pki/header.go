// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"

	"teiten/internal/fault"
)

// Names of the fields by which a proxy hands on the client's certificate (RFC 9440).
const (
	ClientCertHeader      = "Client-Cert"
	ClientCertChainHeader = "Client-Cert-Chain"
)

// maxHeader bounds the base64 of all certificates in a request's fields.
const maxHeader = 64 << 10

// ClientCert reads the certificate that a proxy hands on in Client-Cert, with
// those above it from Client-Cert-Chain (RFC 9440, 2.2 and 2.3); nil without
// an error when neither field is there. The fields are structured (RFC 8941):
// one byte sequence, and a list of byte sequences that may be spread over
// several lines. A second Client-Cert, a chain without one, parameters and
// anything else besides are errors. Limits: 16 KiB for a certificate, ten in
// the chain, 64 KiB in all.
//
// Whether the proxy may be believed is the caller's to know: whoever else
// sends these fields forges them.
func ClientCert(h http.Header) (leaf *x509.Certificate, above []*x509.Certificate, err error) {
	single, list := h.Values(ClientCertHeader), h.Values(ClientCertChainHeader)
	if len(single) == 0 && len(list) == 0 {
		return nil, nil, nil
	}
	if len(single) == 0 {
		return nil, nil, fault.New(fault.Invalid, "pki.header_chain_alone", "field", ClientCertChainHeader)
	}
	if len(single) > 1 {
		return nil, nil, fault.New(fault.Invalid, "pki.header_twice", "field", ClientCertHeader)
	}
	size := len(single[0])
	for _, line := range list {
		size += len(line)
	}
	if size > maxHeader {
		return nil, nil, fault.New(fault.TooLarge, "pki.header_large", "most", maxHeader)
	}
	der, rest, ok := byteSequence(strings.TrimLeft(single[0], " "))
	if !ok || strings.TrimLeft(rest, " ") != "" {
		return nil, nil, fault.New(fault.Invalid, "pki.header_format", "field", ClientCertHeader)
	}
	if leaf, err = parseDER(der, 1); err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return leaf, nil, nil
	}
	members, ok := byteSequences(strings.Join(list, ", "))
	if !ok {
		return nil, nil, fault.New(fault.Invalid, "pki.header_format", "field", ClientCertChainHeader)
	}
	if len(members) > maxChain {
		return nil, nil, fault.New(fault.TooLarge, "pki.pem_many", "most", maxChain)
	}
	for i, der := range members {
		c, err := parseDER(der, i+2)
		if err != nil {
			return nil, nil, err
		}
		above = append(above, c)
	}
	return leaf, above, nil
}

// byteSequences reads a list of byte sequences (RFC 8941, 4.2.1); an empty
// field is an empty list.
func byteSequences(s string) (all [][]byte, ok bool) {
	const ows = " \t"
	s = strings.Trim(s, " ")
	for first := true; s != "" || !first; first = false {
		if !first {
			s = strings.TrimLeft(s, ows)
			if s == "" {
				break
			}
			if s[0] != ',' {
				return nil, false
			}
			if s = strings.TrimLeft(s[1:], ows); s == "" {
				return nil, false // a comma at the end
			}
		}
		var b []byte
		if b, s, ok = byteSequence(s); !ok {
			return nil, false
		}
		all = append(all, b)
	}
	return all, true
}

// byteSequence reads one byte sequence at the beginning of s (RFC 8941,
// 4.2.7). As the RFC wants, padding may be absent and its bits may be set: the
// fingerprint is over what was decoded, not over its spelling.
func byteSequence(s string) (b []byte, rest string, ok bool) {
	if !strings.HasPrefix(s, ":") {
		return nil, "", false
	}
	text, rest, closed := strings.Cut(s[1:], ":")
	// The decoder passes over line breaks, which have no place here.
	if !closed || strings.ContainsAny(text, "\r\n") {
		return nil, "", false
	}
	if strings.HasSuffix(text, "=") {
		b, err := base64.StdEncoding.DecodeString(text)
		return b, rest, err == nil
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	return b, rest, err == nil
}

// EncodeClientCert writes the two fields, as a proxy does: for tests and for
// those who build one.
func EncodeClientCert(h http.Header, leaf *x509.Certificate, above ...*x509.Certificate) {
	sequence := func(c *x509.Certificate) string {
		return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
	}
	h.Set(ClientCertHeader, sequence(leaf))
	h.Del(ClientCertChainHeader)
	if len(above) > 0 {
		members := make([]string, len(above))
		for i, c := range above {
			members[i] = sequence(c)
		}
		h.Set(ClientCertChainHeader, strings.Join(members, ", "))
	}
}
