// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"net"
	"slices"
	"strconv"

	"teiten/internal/fault"
)

// Dial connects to host:port, for protocols other than HTTP, if the port is
// one of those given or of Policy.AllowPorts and the policy lets the address
// be reached. It goes directly: a proxy for fetching is none for these. Errors
// are those of Get.
func (c *Client) Dial(ctx context.Context, address string, ports ...uint16) (net.Conn, error) {
	if c.invalid != nil {
		return nil, c.invalid
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, fault.New(fault.Invalid, "outbound.host", "host", defang(address))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || !slices.Contains(ports, uint16(n)) && !slices.Contains(c.policy.AllowPorts, uint16(n)) {
		return nil, fault.New(fault.Forbidden, "outbound.port", "port", port)
	}
	dialer := &net.Dialer{Timeout: c.policy.HeaderTimeout, Resolver: c.policy.Resolver, ControlContext: c.control}
	conn, err := dialer.DialContext(context.WithValue(ctx, hopKey{}, &hop{}), "tcp", address)
	if err != nil {
		return nil, c.explain(ctx, host, err)
	}
	return conn, nil
}
