// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package federate lets people sign in at an OpenID provider of the operator's
// choice (OpenID Connect Core 1.0, authorization code flow with PKCE).
//
// A person of the portal and an identity at the provider are tied together by
// issuer and subject, and only by the person: signed in to the portal, she goes
// to the provider and comes back. Nothing that the provider says about names
// or mail addresses makes an account or finds one.
//
// A visit begins with a random token, which the browser keeps in a cookie and
// the portal only as a hash, in a row that says what the visit is for, on
// which device and with which issuer. The row serves once, for ten minutes.
// State, nonce and PKCE verifier are made from the token (HMAC-SHA-256), so an
// answer fits only the browser that asked, and none of them has to be kept.
//
// The provider is asked through package outbound only. What comes from it is
// believed as far as its keys have signed it, and no further.
package federate
