// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package auth proves who a person is and keeps her session. The device's
// certificate is the first key to the door and was checked before; the second
// is what only she has: a password with a code from her authenticator app, or
// one of her recovery codes. Passkeys and OpenID Connect, which other packages
// check, open a session here too.
//
// One answer serves everybody who is refused, and the same work is done for
// it, so that nobody learns which logins exist; the audit knows the reason.
// Failures are counted for a device and an account together, so that nobody
// can lock another's account on her own device.
//
// An account is recovered by two people, each of whom has one half of the code
// that the owner needs: neither can take it over alone.
package auth
