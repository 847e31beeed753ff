// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package device is the first of the two keys to the door: the certificate
// that shows which device comes. A certificate belongs to a person's account,
// to a machine's, or, for a PC that a ward shares, to an institution.
//
// The [Office] is the installation's own certificate authority with its
// registry. It is founded once. It issues the portal's own certificate and
// those of devices, mostly to an invitation: an operator or an institution's
// contact invites, and whoever has the one-time code fetches one certificate.
// Certificates of other authorities are admitted when the operator trusts the
// authority and has registered the certificate here.
//
// Whether a certificate opens the door is asked at every request with
// [Office.Admit], which reads revocation, the account and the organisation
// from the database each time.
package device
