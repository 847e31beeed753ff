// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"teiten/internal/pki"
)

func TestClientCertHeader(t *testing.T) {
	a := newAuthority(t, "ISAC")
	leaf := must(a.Client("甲病院", must(pki.NewKey()).Public(), 0, now))
	b64 := base64.StdEncoding.EncodeToString(leaf.Raw)
	ca := ":" + base64.StdEncoding.EncodeToString(a.Certificate().Raw) + ":"
	one := ":" + b64 + ":"
	for name, c := range map[string]struct {
		cert, chain []string
		code        string
		above       int
	}{
		"plain":                   {cert: []string{one}},
		"spaces around":           {cert: []string{"  " + one + " "}},
		"padding left out":        {cert: []string{":" + strings.TrimRight(b64, "=") + ":"}},
		"twice":                   {cert: []string{one, one}, code: "pki.header_twice"},
		"twice in one line":       {cert: []string{one + ", " + one}, code: "pki.header_format"},
		"empty":                   {cert: []string{""}, code: "pki.header_format"},
		"an empty sequence":       {cert: []string{"::"}, code: "pki.certificate_format"},
		"not closed":              {cert: []string{":" + b64}, code: "pki.header_format"},
		"not opened":              {cert: []string{b64 + ":"}, code: "pki.header_format"},
		"bare base64":             {cert: []string{b64}, code: "pki.header_format"},
		"a string":                {cert: []string{`"` + b64 + `"`}, code: "pki.header_format"},
		"PEM":                     {cert: []string{string(pki.EncodePEM(leaf))}, code: "pki.header_format"},
		"parameters":              {cert: []string{one + ";a=1"}, code: "pki.header_format"},
		"a tab around":            {cert: []string{"\t" + one}, code: "pki.header_format"},
		"a space within":          {cert: []string{":" + b64[:8] + " " + b64[8:] + ":"}, code: "pki.header_format"},
		"a line break within":     {cert: []string{":" + b64[:8] + "\n" + b64[8:] + ":"}, code: "pki.header_format"},
		"the alphabet of URLs":    {cert: []string{":_-__:"}, code: "pki.header_format"},
		"too much padding":        {cert: []string{":AAAA=:"}, code: "pki.header_format"},
		"not a certificate":       {cert: []string{":AAAA:"}, code: "pki.certificate_format"},
		"two in one sequence":     {cert: []string{":" + base64.StdEncoding.EncodeToString(append(bytes.Clone(leaf.Raw), leaf.Raw...)) + ":"}, code: "pki.certificate_format"},
		"a tampered certificate":  {cert: []string{strings.Replace(one, b64[:8], "AAAAAAAA", 1)}, code: "pki.certificate_format"},
		"a large certificate":     {cert: []string{":" + strings.Repeat("AAAA", 5462) + ":"}, code: "pki.certificate_large"},
		"large in all":            {cert: []string{one}, chain: []string{strings.Repeat(" ", 64<<10)}, code: "pki.header_large"},
		"a chain":                 {cert: []string{one}, chain: []string{ca}, above: 1},
		"a chain in lines":        {cert: []string{one}, chain: []string{ca, ca + "," + ca, ca + " \t,\t" + ca}, above: 5},
		"an empty chain":          {cert: []string{one}, chain: []string{""}},
		"a chain alone":           {chain: []string{ca}, code: "pki.header_chain_alone"},
		"a chain with a tail":     {cert: []string{one}, chain: []string{ca + ","}, code: "pki.header_format"},
		"a chain with a hole":     {cert: []string{one}, chain: []string{ca + ",," + ca}, code: "pki.header_format"},
		"a chain without commas":  {cert: []string{one}, chain: []string{ca + " " + ca}, code: "pki.header_format"},
		"a chain with parameters": {cert: []string{one}, chain: []string{ca + ";q=1"}, code: "pki.header_format"},
		"a chain with a word":     {cert: []string{one}, chain: []string{"?1"}, code: "pki.header_format"},
		"a chain of garbage":      {cert: []string{one}, chain: []string{ca + ", :AAAA:"}, code: "pki.certificate_format"},
		"a long chain":            {cert: []string{one}, chain: []string{strings.TrimSuffix(strings.Repeat(ca+",", 11), ",")}, code: "pki.pem_many"},
	} {
		got, above, err := pki.ClientCert(http.Header{"Client-Cert": c.cert, "Client-Cert-Chain": c.chain})
		if code := faultCode(err); code != c.code || len(above) != c.above || (c.code == "") != (got != nil && got.Equal(leaf)) {
			t.Errorf("%s: %v, %d above, want %q and %d", name, err, len(above), c.code, c.above)
		}
	}
}

func TestChains(t *testing.T) {
	a, b := newAuthority(t, "ISAC"), newAuthority(t, "other")
	ca := a.Certificate()
	leaf := must(a.Client("甲病院", must(pki.NewKey()).Public(), 0, now))
	var nobody *maker
	short := nobody.make(t, must(rsa.GenerateKey(rand.Reader, 1024)), asCA)
	key := asPEM("PRIVATE KEY", must(a.Key()))
	damaged := bytes.Replace(pki.EncodePEM(ca), []byte("\nMII"), []byte("\n!II"), 1)
	cut := pki.EncodePEM(ca)[:200]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string]struct {
		pem                 []byte
		single, chain, many string // codes
	}{
		"a leaf":          {pki.EncodePEM(leaf), "", "", "pki.bundle_leaf"},
		"an authority":    {pki.EncodePEM(ca), "", "", ""},
		"a chain":         {pki.EncodePEM(leaf, ca), "pki.pem_many", "", "pki.bundle_leaf"},
		"out of order":    {pki.EncodePEM(ca, leaf), "pki.pem_many", "pki.chain_order", "pki.bundle_leaf"},
		"two authorities": {pki.EncodePEM(ca, b.Certificate()), "pki.pem_many", "pki.chain_order", ""},
		"with text":       {join([]byte("subject: x\r\n"), pki.EncodePEM(ca), []byte("\nmore\n")), "", "", ""},
		"a key":           {join(key), "pki.pem_type", "pki.pem_type", "pki.pem_type"},
		"with a key":      {join(pki.EncodePEM(ca), key), "pki.pem_type", "pki.pem_type", "pki.pem_type"},
		"damaged":         {damaged, "pki.pem_damaged", "pki.pem_damaged", "pki.pem_damaged"},
		"damaged, first":  {join(damaged, pki.EncodePEM(ca)), "pki.pem_damaged", "pki.pem_damaged", "pki.pem_damaged"},
		"damaged, last":   {join(pki.EncodePEM(ca), cut), "pki.pem_damaged", "pki.pem_damaged", "pki.pem_damaged"},
		"not X.509":       {asPEM("CERTIFICATE", []byte{1}), "pki.certificate_format", "pki.certificate_format", "pki.certificate_format"},
		"large DER":       {asPEM("CERTIFICATE", make([]byte, 17<<10)), "pki.certificate_large", "pki.certificate_large", "pki.certificate_large"},
		"twelve":          {bytes.Repeat(pki.EncodePEM(ca), 12), "pki.pem_many", "pki.pem_many", ""},
		"201":             {bytes.Repeat(pki.EncodePEM(ca), 201), "pki.pem_large", "pki.pem_many", "pki.pem_many"},
		"large":           {make([]byte, 1<<20+1), "pki.certificate_large", "pki.pem_large", "pki.pem_large"},
		"nothing":         {nil, "pki.certificate_format", "pki.pem_none", "pki.pem_none"},
		"a weak one":      {pki.EncodePEM(short.cert), "", "", "pki.bundle_weak"},
	} {
		_, err := pki.ParseCertificate(c.pem)
		if faultCode(err) != c.single {
			t.Errorf("%s as a certificate: %v, want %q", name, err, c.single)
		}
		if _, err = pki.ParseChain(c.pem); faultCode(err) != c.chain {
			t.Errorf("%s as a chain: %v, want %q", name, err, c.chain)
		}
		if _, err = pki.ParseBundle(c.pem); faultCode(err) != c.many {
			t.Errorf("%s as a bundle: %v, want %q", name, err, c.many)
		}
	}
	if c, err := pki.ParseCertificate(leaf.Raw); err != nil || !c.Equal(leaf) {
		t.Errorf("DER: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	der := request(must(pki.NewKey()), 0)
	f.Add(der)
	f.Add(asPEM("CERTIFICATE REQUEST", der))
	f.Fuzz(func(t *testing.T, b []byte) {
		public, err := pki.ParseRequest(b)
		if (public == nil) != (err != nil) || err != nil && faultCode(err) == "" {
			t.Fatalf("key %v, error %v", public, err)
		}
		if err == nil {
			if _, err := x509.MarshalPKIXPublicKey(public); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzChain(f *testing.F) {
	a := newAuthority(f, "ISAC")
	leaf := must(a.Client("甲病院", must(pki.NewKey()).Public(), 0, now))
	f.Add(pki.EncodePEM(leaf, a.Certificate()))
	f.Add(leaf.Raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := pki.ParseCertificate(b); err == nil {
			if again, err := pki.ParseCertificate(pki.EncodePEM(c)); err != nil || !again.Equal(c) {
				t.Fatalf("not read back: %v", err)
			}
			// Whatever was read can be judged.
			if _, err := pki.Verify(c, nil, []*x509.Certificate{a.Certificate()}, now); err == nil && c.CheckSignatureFrom(a.Certificate()) != nil {
				t.Fatal("admitted without a signature")
			}
		}
		certs, err := pki.ParseChain(b)
		if err == nil {
			// No block is left out.
			if n := bytes.Count(b, []byte("-----BEGIN ")); n != len(certs) {
				t.Fatalf("%d of %d blocks", len(certs), n)
			}
		}
		if _, err := pki.ParseBundle(b); err != nil && faultCode(err) == "" {
			t.Fatal(err)
		}
	})
}

func FuzzClientCert(f *testing.F) {
	a := newAuthority(f, "ISAC")
	h := http.Header{}
	pki.EncodeClientCert(h, a.Certificate(), a.Certificate(), a.Certificate())
	f.Add(h.Get(pki.ClientCertHeader), h.Get(pki.ClientCertChainHeader))
	f.Add(":AAAA:", "")
	f.Fuzz(func(t *testing.T, single, list string) {
		leaf, above, err := pki.ClientCert(http.Header{"Client-Cert": {single}, "Client-Cert-Chain": {list}})
		if (leaf == nil) != (err != nil) || err != nil && faultCode(err) == "" {
			t.Fatalf("leaf %v, error %v", leaf != nil, err)
		}
		if err != nil {
			return
		}
		h := http.Header{}
		pki.EncodeClientCert(h, leaf, above...)
		again, aboveAgain, err := pki.ClientCert(h)
		if err != nil || !again.Equal(leaf) || len(aboveAgain) != len(above) {
			t.Fatalf("not read back: %v", err)
		}
	})
}
