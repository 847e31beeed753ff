// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package token is how a machine proves who it is: a firewall that fetches a
// block list, a SIEM that asks, another ISAC. A token belongs to a machine's
// account of an organisation, allows a few things, ends by itself, and is shown
// once: the store keeps only its SHA-256, which is enough for a value of 190
// random bits. It may be bound to a certificate, so that it is worth nothing
// on another device.
package token
