// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package httpd is the outermost door: it ends TLS, takes the certificate that
// a device shows, or the one that a trusted proxy hands on, and puts what the
// register says about it into the request's context. It turns nobody away for
// a missing or a bad certificate: the surfaces know their doors, and can
// explain in words what a broken handshake cannot.
package httpd
