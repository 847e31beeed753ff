// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"teiten/internal/fault"
)

// RelyingParty is the portal as authenticators know it. It is safe for
// concurrent use.
type RelyingParty struct {
	w *webauthn.WebAuthn
}

// algorithms are those of the keys that are accepted (RFC 9053): what security
// keys and telephones make, Ed25519, and RSA for Windows Hello on old TPMs.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// NewRelyingParty returns the portal that people reach as https://host, on the
// ports (443 if none is given). Name is what authenticators show. The host is
// the relying party id: passkeys that were registered for one host are lost
// with it. It must be a name, because passkeys do not work for IP addresses;
// for localhost plain http counts as well (W3C Secure Contexts, section 3.1).
func NewRelyingParty(name, host string, ports ...int) (*RelyingParty, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if net.ParseIP(strings.Trim(host, "[]")) != nil || protocol.ValidateRPID(host) != nil || strings.ContainsAny(host, ":/@ ") {
		return nil, fault.New(fault.Invalid, "passkey.host", "host", host)
	}
	if len(ports) == 0 {
		ports = []int{443}
	}
	var origins []string
	for _, port := range ports {
		if port < 1 || port > 65535 {
			return nil, fault.New(fault.Invalid, "passkey.port", "port", strconv.Itoa(port))
		}
		origins = append(origins, origin("https", host, port, 443))
		if host == "localhost" || strings.HasSuffix(host, ".localhost") {
			origins = append(origins, origin("http", host, port, 80))
		}
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID:                  host,
		RPDisplayName:         name,
		RPOrigins:             slices.Compact(origins),
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementPreferred,
			RequireResidentKey: protocol.ResidentKeyNotRequired(),
			UserVerification:   protocol.VerificationRequired,
		},
		// No extension is asked for, and no answer of one is used. Some password
		// managers answer unasked; that must not keep people out.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: ceremonyLife},
			Registration: webauthn.TimeoutConfig{Timeout: ceremonyLife},
		},
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "passkey.host", "host", host)
	}
	return &RelyingParty{w: w}, nil
}

// Origins are the addresses at which the portal's passkeys work.
func (rp *RelyingParty) Origins() []string { return slices.Clone(rp.w.Config.RPOrigins) }

func origin(scheme, host string, port, usual int) string {
	if port == usual {
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}
