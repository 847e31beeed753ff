// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"mime/multipart"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/locale"
	"teiten/internal/pki"
	"teiten/internal/storetest"
)

func init() {
	q := sampleRequest(locale.Japanese)
	e := &enrolment{Server: &Server{}}
	r := httptest.NewRequest("GET", "https://portal.example.jp/enrol", nil)
	sample("enrol", e.page(r, q))
	refused := e.page(r, q)
	refused.Code.Error = "違います"
	refused.Errors = Summary(&refused.Code)
	sample("enrol", refused)
	for _, purpose := range device.Purposes {
		offer := e.page(r, q)
		offer.Password = "ABCD-EFGH-JKMN-PQRS-TVWX"
		offer.Invitation = &device.Invitation{Purpose: purpose, OrgName: "みなと総合病院", Label: "ノート 2", Expires: testNow}
		sample("enrol", offer)
	}
}

// invited is the code of an invitation for somebody, or for a shared PC.
func (g *gate) invited(by, c caller.Caller, label string) string {
	g.t.Helper()
	i := device.Invitation{Purpose: device.Person, Org: c.Org, Account: c.Account, Label: label}
	switch {
	case c.Account == 0:
		i.Purpose = device.Device
	case c.Role == caller.Machine:
		i.Purpose = device.Machine
	}
	code, _, err := device.Invite(g.t.Context(), g.db, by, i)
	must(g.t, err)
	return code
}

// offered types a code and returns the password that is shown.
func (v *visitor) offered(code string) string {
	v.g.t.Helper()
	page := v.post("/enrol", "code", code).is(200).secret().safe()
	return page.after(`<code class="secret-text" translate="no">`, "<")
}

// TestEnrol goes the whole way from the invitation to the first sign-in.
func TestEnrol(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		code := g.invited(g.ContactA, g.StaffA, "医事課ノート 2")
		v := g.stranger()
		v.get("/enrol").is(200).safe().has("招待コード", "data-fragment").lacks("secret-text")
		page := v.post("/enrol", "code", strings.ToLower(code)).is(200).secret().safe()
		page.has("甲病院", "医事課ノート 2", "個人の端末", "控える").lacks("甲病院 staff")
		password := v.offered(code)
		if other := v.offered(code); other == password {
			t.Error("two people who ask are shown the same password")
		}
		file := v.post("/enrol/certificate", "code", code, "password", password, "format", "legacy").is(200).secret()
		if file.header("Content-Type") != "application/x-pkcs12" || !strings.HasPrefix(file.header("Content-Disposition"), `attachment; filename="teiten-`) {
			t.Errorf("a download of %q as %q", file.header("Content-Type"), file.header("Content-Disposition"))
		}
		key, leaf, above, err := pkcs12.DecodeChain([]byte(file.body), password)
		must(t, err)
		if key == nil || len(above) != 1 || !above[0].Equal(g.office.Authority()) {
			t.Errorf("the file holds %T and %d authorities", key, len(above))
		}
		cert, err := g.office.Admit(t.Context(), g.db, leaf, nil, time.Now())
		must(t, err)
		if cert.Account != g.StaffA.Account || cert.Label != "医事課ノート 2" {
			t.Errorf("the certificate is %+v", cert)
		}
		// The same password opens the first sign-in, on the same device.
		dev := auth.Device{ID: cert.ID, Account: cert.Account, Org: cert.Org}
		_, state, err := auth.Begin(t.Context(), g.db, g.keys, dev, "定点", "", strings.ToLower(password))
		must(t, err)
		if state.Account != g.StaffA.Account {
			t.Errorf("the first sign-in is of %+v", state)
		}
		v.post("/enrol", "code", code).is(409).safe().has("使われています").lacks("secret-text")
		v.post("/enrol/certificate", "code", code, "password", password, "format", "modern").is(409)
		if n := g.count(`SELECT COUNT(*) FROM certificate WHERE account_id = $1`, g.StaffA.Account); n != 1 {
			t.Errorf("%d certificates", n)
		}
		g.wantAudit("enrolment.invite", "certificate.enrol", "auth.set_up_code", "denied device.invitation_used")
		g.quiet(code, password)
	})
}

// TestEnrolAgain: the second device of somebody who has her factors does not
// give whoever holds it a way to choose them anew.
func TestEnrolAgain(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		g.signedIn(g.StaffA, "staff-a")
		v := g.stranger()
		for _, c := range []caller.Caller{g.StaffA, {Org: g.StaffA.Org}, g.MachineA} {
			code := g.invited(g.ContactA, c, "二台目")
			v.post("/enrol/certificate", "code", code, "password", v.offered(code)).is(200)
		}
		if n := g.count(`SELECT COUNT(*) FROM auth_set_up`); n != 0 {
			t.Errorf("%d set-up codes", n)
		}
		if n := g.count(`SELECT COUNT(*) FROM certificate WHERE label = '二台目'`); n != 3 {
			t.Errorf("%d certificates", n)
		}
	})
}

// TestEnrolRefused: what is wrong changes nothing, and says what to do.
func TestEnrolRefused(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		code := g.invited(g.ContactA, g.StaffA, "ノート")
		v := g.stranger()
		v.post("/enrol", "code", "").is(404).safe().has("招待コードが違います", `href="#f-code"`)
		v.post("/enrol", "code", "AAAA-"+code[5:]).is(404)
		v.post("/enrol", "code", strings.Repeat("A", 5000)).is(404)
		password := v.offered(code)
		for _, p := range []string{"", "short", "password-password", strings.ToLower(password), password + "A", strings.Repeat("A", 24)} {
			v.post("/enrol/certificate", "code", code, "password", p).is(400).safe().has("一回限りのパスワードが画面のものと違います")
		}
		v.post("/enrol/certificate", "code", code, "password", password, "format", "pfx").is(422).secret().safe().has(password, `role="alert"`)
		v.post("/enrol/certificate", "code", code+"A", "password", password).is(404)
		v.send("POST", "/enrol/certificate", "%zz", "application/x-www-form-urlencoded").is(400)
		v.send("POST", "/enrol", "code="+strings.Repeat("A", requestSize), "application/x-www-form-urlencoded").is(413)
		nothing := func() {
			t.Helper()
			if n := g.count(`SELECT (SELECT COUNT(*) FROM certificate) + (SELECT COUNT(*) FROM auth_set_up) + (SELECT COUNT(*) FROM enrolment WHERE used_at <> 0)`); n != 0 {
				t.Errorf("%d rows were left by what was refused", n)
			}
		}
		nothing()

		g.exec(`UPDATE enrolment SET expires_at = 1`)
		v.post("/enrol", "code", code).is(409).has("に切れました")
		v.post("/enrol/certificate", "code", code, "password", password).is(409)
		g.exec(`UPDATE enrolment SET expires_at = $1, cancelled_at = 1`, time.Now().Add(time.Hour).UnixMicro())
		v.post("/enrol/certificate", "code", code, "password", password).is(409).has("取り消されています")
		g.exec(`UPDATE enrolment SET cancelled_at = 0`)
		g.exec(`UPDATE account SET left_at = 1 WHERE id = $1`, g.StaffA.Account)
		v.post("/enrol/certificate", "code", code, "password", password).is(409)
		nothing()
		g.exec(`UPDATE account SET left_at = 0 WHERE id = $1`, g.StaffA.Account)
		v.post("/enrol/certificate", "code", code, "password", password).is(200)
		g.wantAudit("denied device.invitation_unknown", "denied device.invitation_lapsed", "denied device.invitation_cancelled", "denied device.owner_left")
	})
}

// TestEnrolTogether: of many who come at once with one code, one gets a
// certificate, and her password is the one that counts.
func TestEnrolTogether(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		code := g.invited(g.ContactA, g.StaffA, "ノート")
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []string
		start := make(chan struct{})
		for i := range 5 {
			v := g.stranger()
			v.from = "192.0.2." + strconv.Itoa(i+1) + ":1"
			password := v.offered(code)
			wg.Go(func() {
				<-start
				if v.post("/enrol/certificate", "code", code, "password", password).status == 200 {
					mu.Lock()
					defer mu.Unlock()
					won = append(won, password)
				}
			})
		}
		close(start)
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d got a certificate", len(won))
		}
		id := int64(g.count(`SELECT id FROM certificate`))
		dev := auth.Device{ID: id, Account: g.StaffA.Account, Org: g.StaffA.Org}
		_, _, err := auth.Begin(t.Context(), g.db, g.keys, dev, "定点", "", won[0])
		must(t, err)
	})
}

// TestEnrolRequest brings a key of one's own.
func TestEnrolRequest(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		v := g.stranger()
		code := g.invited(g.ContactA, g.StaffA, "鍵を持つ人")
		password := v.offered(code)
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		must(t, err)
		send := func(csr []byte) *response {
			t.Helper()
			var b bytes.Buffer
			m := multipart.NewWriter(&b)
			must(t, m.WriteField("code", code))
			must(t, m.WriteField("password", password))
			part, err := m.CreateFormFile("csr", "key.csr")
			must(t, err)
			_, err = part.Write(csr)
			must(t, err)
			must(t, m.Close())
			return v.send("POST", "/enrol/request", b.String(), m.FormDataContentType())
		}
		for _, bad := range [][]byte{nil, []byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), csr[:len(csr)-3]} {
			send(bad).is(422).secret().safe().has(`id="f-csr-error"`, password)
		}
		send(bytes.Repeat([]byte{'A'}, requestSize)).is(413)
		v.post("/enrol/request", "code", code).is(400)
		if n := g.count(`SELECT COUNT(*) FROM enrolment WHERE used_at <> 0`); n != 0 {
			t.Error("a bad request used the invitation up")
		}
		answer := send(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})).is(200).secret()
		chain, err := pki.ParseChain([]byte(answer.body))
		must(t, err)
		if !key.PublicKey.Equal(chain[0].PublicKey) {
			t.Error("the certificate is of another key")
		}
		cert, err := g.office.Admit(t.Context(), g.db, chain[0], nil, time.Now())
		must(t, err)
		_, _, err = auth.Begin(t.Context(), g.db, g.keys, auth.Device{ID: cert.ID, Account: cert.Account, Org: cert.Org}, "定点", "", password)
		must(t, err)
		send(csr).is(409)
	})
}

// TestGuesses: wrong codes are slowed down and then refused, for one address;
// a right one is taken even there.
func TestGuesses(t *testing.T) {
	g := newGate(t, storetest.SQLite(t))
	code := g.invited(g.ContactA, g.StaffA, "ノート")
	v := g.stranger()
	start := time.Now()
	for range guessFree {
		v.post("/enrol", "code", "WRONG").is(404)
	}
	if took := time.Since(start); took < guessFree*guessDelay {
		t.Errorf("%d wrong codes took %s", guessFree, took)
	}
	before := len(g.audited())
	for range 5 {
		if refused := v.post("/enrol", "code", "WRONG").is(429).safe(); refused.header("Retry-After") != "30" {
			t.Errorf("Retry-After %q", refused.header("Retry-After"))
		}
	}
	if n := len(g.audited()) - before; n != 1 {
		t.Errorf("%d records of five refusals", n)
	}
	g.wantAudit("denied enrol.wait")
	v.post("/enrol", "code", code).is(200)
	elsewhere := g.stranger()
	elsewhere.from = "198.51.100.1:1"
	elsewhere.post("/enrol", "code", "WRONG").is(404)
}

// TestGuessers: networks are told apart, and many of them cost no memory.
func TestGuessers(t *testing.T) {
	var g guesses
	now := time.Now()
	ask := func(addr string) bool {
		allowed, _ := g.count(netip.MustParseAddr(addr), now)
		return allowed
	}
	for range guessFree {
		if !ask("2001:db8::1") {
			t.Fatal("refused too early")
		}
	}
	if ask("2001:db8::2:3") || !ask("2001:db8:1::1") || !ask("192.0.2.1") || !ask("::ffff:192.0.2.2") {
		t.Error("networks are mixed up")
	}
	if allowed, tell := g.count(netip.MustParseAddr("2001:db8::1"), now); allowed || tell {
		t.Error("the second refusal is told again")
	}
	now = now.Add(guessBack)
	if !ask("2001:db8::1") || ask("2001:db8::1") {
		t.Error("time does not give one try back")
	}
	for i := range 3 * mostGuessers {
		g.count(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(g.from) > mostGuessers {
		t.Errorf("%d addresses are remembered", len(g.from))
	}
	g.count(netip.Addr{}, now) // a socket without an address
}

// TestPublished: the revocation list and the authority, for anybody.
func TestPublished(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		lost := g.certificate(g.StaffA, "失くした PC", 0)
		read := func() *x509.RevocationList {
			t.Helper()
			answer := g.stranger().get("/crl").is(200)
			if answer.header("Content-Type") != "application/pkix-crl" {
				t.Errorf("the list is %q", answer.header("Content-Type"))
			}
			list, err := x509.ParseRevocationList([]byte(answer.body))
			must(t, err)
			must(t, list.CheckSignatureFrom(g.office.Authority()))
			return list
		}
		if n := len(read().RevokedCertificateEntries); n != 0 {
			t.Errorf("%d are revoked", n)
		}
		must(t, device.Revoke(t.Context(), g.db, g.ContactA, lost.ID, device.Lost))
		if list := read().RevokedCertificateEntries; len(list) != 1 || list[0].SerialNumber.Text(16) != lost.Serial {
			t.Errorf("revoked are %v", list)
		}
		ca := g.stranger().get("/ca.crt").is(200)
		cert, err := x509.ParseCertificate([]byte(ca.body))
		must(t, err)
		if !cert.Equal(g.office.Authority()) || ca.header("Content-Type") != "application/x-x509-ca-cert" {
			t.Errorf("the authority is %q", ca.header("Content-Type"))
		}
	})
}

// TestFormatFor: the file that a device can read is proposed.
func TestFormatFor(t *testing.T) {
	for agent, format := range map[string]pki.Format{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0": pki.Modern,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15": pki.Legacy,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0":                                  pki.Modern,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile Safari/604.1":   pki.Legacy,
		"": pki.Modern,
	} {
		if got := formatFor(agent); got != format {
			t.Errorf("%s: %s", agent, got)
		}
	}
}
