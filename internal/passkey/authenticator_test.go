// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

var b64 = base64.RawURLEncoding

// authenticator is a software authenticator with one ES256 credential: it
// answers options as a browser with a telephone would, with real signatures.
type authenticator struct {
	t        testing.TB
	origin   string // where its browser believes to be
	rpID     string // "" for that of the options
	key      *ecdsa.PrivateKey
	id       []byte
	handle   []byte
	counter  uint32
	step     uint32 // by which the counter advances
	noUV     bool
	eligible bool // may be synced, and is
	noHandle bool // as a security key that keeps nothing about people
	cross    bool // inside a frame of another origin
}

func newAuthenticator(t testing.TB) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 24)
	rand.Read(id)
	return &authenticator{t: t, origin: "https://portal.example.jp", key: key, id: id, step: 1}
}

type options struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID, Name, DisplayName string }
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
	Allow     []struct{ ID string } `json:"allowCredentials"`
	Timeout   int

	UserVerification       string
	Attestation            string
	AuthenticatorSelection struct {
		ResidentKey, UserVerification string
		RequireResidentKey            bool
	}
	PubKeyCredParams []struct{ Alg int }
}

func (a *authenticator) read(raw []byte) (o options) {
	a.t.Helper()
	if err := json.Unmarshal(raw, &o); err != nil {
		a.t.Fatalf("options: %v\n%s", err, raw)
	}
	return o
}

// create answers a registration.
func (a *authenticator) create(raw []byte) []byte {
	a.t.Helper()
	o := a.read(raw)
	a.handle = a.decode(o.User.ID)
	public, err := a.key.PublicKey.ECDH()
	if err != nil {
		a.t.Fatal(err)
	}
	point := public.Bytes() // 4, X, Y
	cose := a.encode(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	data := a.data(o.RP.ID, 0x40)
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	return a.answer(map[string]any{
		"clientDataJSON":    b64.EncodeToString(a.client("webauthn.create", o.Challenge)),
		"attestationObject": b64.EncodeToString(a.encode(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})),
		"transports":        []string{"internal", "hybrid"},
	})
}

// get answers a sign-in.
func (a *authenticator) get(raw []byte) []byte {
	a.t.Helper()
	o := a.read(raw)
	data := a.data(o.RPID, 0)
	client := a.client("webauthn.get", o.Challenge)
	hashed := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(data), hashed[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		a.t.Fatal(err)
	}
	response := map[string]any{
		"clientDataJSON":    b64.EncodeToString(client),
		"authenticatorData": b64.EncodeToString(data),
		"signature":         b64.EncodeToString(signature),
	}
	if !a.noHandle {
		response["userHandle"] = b64.EncodeToString(a.handle)
	}
	return a.answer(response)
}

// data is authenticator data, WebAuthn section 6.1.
func (a *authenticator) data(rpID string, flags byte) []byte {
	if a.rpID != "" {
		rpID = a.rpID
	}
	a.counter += a.step
	flags |= 0x01 // somebody was there
	if !a.noUV {
		flags |= 0x04
	}
	if a.eligible {
		flags |= 0x18
	}
	hash := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.counter)
}

func (a *authenticator) client(kind, challenge string) []byte {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": a.cross})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authenticator) answer(response map[string]any) []byte {
	id := b64.EncodeToString(a.id)
	b, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}}, // unasked, as some do
		"response":               response,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authenticator) encode(v any) []byte {
	a.t.Helper()
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		a.t.Fatal(err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authenticator) decode(s string) []byte {
	a.t.Helper()
	b, err := b64.DecodeString(s)
	if err != nil {
		a.t.Fatalf("%q is not base64url: %v", s, err)
	}
	return b
}
