// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolve asks the resolver on a port of 127.0.0.1 for the IPv4 address of a
// host, once and for a second: what it answers (RFC 1035, section 4.1.1), and
// the first address, which is not valid where there is none.
func Resolve(port int, host string) (dnsmessage.RCode, netip.Addr, error) {
	var none netip.Addr
	name, err := dnsmessage.NewName(host + ".")
	if err != nil {
		return 0, none, err
	}
	conn, err := net.DialTimeout("udp4", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return 0, none, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, none, err
	}
	const id = 7
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	packet, err := q.Pack()
	if err != nil {
		return 0, none, err
	}
	if _, err := conn.Write(packet); err != nil {
		return 0, none, err
	}
	buf := make([]byte, 512) // what fits without extensions (section 4.2.1)
	n, err := conn.Read(buf)
	if err != nil {
		return 0, none, err
	}
	var m dnsmessage.Message
	if err := m.Unpack(buf[:n]); err != nil || m.ID != id || !m.Response {
		return 0, none, errors.Join(err, errors.New("not the answer to the question"))
	}
	for _, a := range m.Answers {
		if r, ok := a.Body.(*dnsmessage.AResource); ok {
			return m.RCode, netip.AddrFrom4(r.A), nil
		}
	}
	return m.RCode, none, nil
}
