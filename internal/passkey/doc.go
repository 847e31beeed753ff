// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package passkey signs people in with passkeys: W3C Web Authentication, level
// 3. A passkey is a key pair that an authenticator keeps (a telephone, a
// security key, the computer itself) and uses only for the portal's own host
// name and only after it has checked who holds it, by finger, face or PIN. So
// a passkey alone is both factors, and no look-alike site can ask for it.
//
// Registration and sign-in are ceremonies of two steps. The first hands the
// browser options to give to its authenticator, and a random token; the second
// takes the token and the authenticator's answer. What connects them is a row
// under the token's hash: it serves once, for five minutes, on the device (the
// client certificate) where the ceremony began and, for a registration, for
// the account that began it.
//
// FinishSignIn says whose the passkey is. Whether that account may come in on
// that device is for package auth, which opens the session.
package passkey
