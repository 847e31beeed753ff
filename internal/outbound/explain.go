// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"

	"teiten/internal/fault"
)

// explain turns an error of the network into a fault. A refusal of the guard
// comes back as it was given; a caller's own cancellation stays recognisable.
func (c *Client) explain(ctx context.Context, host string, err error) error {
	var refusal *fault.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	cause := context.Cause(ctx)
	if errors.Is(cause, errSlow) {
		return fault.Wrap(errSlow, fault.Unavailable, "outbound.slow", "host", defang(host), "rate", c.policy.MinRate)
	}
	if errors.Is(cause, context.Canceled) {
		return fault.Wrap(err, fault.Unavailable, "fault.interrupted")
	}
	return fault.Wrap(err, fault.Unavailable, networkCode(err), "host", defang(host))
}

func networkCode(err error) string {
	var (
		dns      *net.DNSError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		unknown  x509.UnknownAuthorityError
		timeout  net.Error
		dialling *net.OpError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "outbound.timeout"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "outbound.name"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "outbound.timeout"
	case errors.As(err, &dns):
		return "outbound.name"
	case errors.As(err, &verify), errors.As(err, &unknown):
		return "outbound.certificate"
	case errors.As(err, &record), errors.As(err, &alert):
		return "outbound.tls"
	case errors.As(err, &dialling) && dialling.Op == "dial":
		return "outbound.connect"
	// net/http has no type for this one.
	case strings.Contains(err.Error(), "server response headers exceeded"):
		return "outbound.header_size"
	}
	return "outbound.protocol"
}
