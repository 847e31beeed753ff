// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"slices"
	"strings"
)

// withCode adds an image with a QR code that names a URL, shown in the body if
// it is HTML.
func (l *links) withCode(root part, text string, t *Truth) part {
	t.FileHosts = addHost(t.FileHosts, text)
	content := code(text)
	id := l.s.draw(hexes, 16) + "@" + l.s.draw(small, 6)
	name := l.s.word("codefile", false)
	image := l.s.filePart(name, "image/png", "inline", content)
	image.head = append(image.head, "Content-ID: <"+id+">")
	t.Files = append(t.Files, name)
	show := part{
		head: []string{"Content-Type: text/html; charset=UTF-8", "Content-Transfer-Encoding: 7bit"},
		body: []byte("<p><img src=\"cid:" + id + "\" width=\"180\"></p>\r\n"),
	}
	return l.s.multipart("related", l.s.multipart("mixed", root, show), image)
}

// bounce wraps a message in a delivery report (RFC 3464).
func (l *links) bounce(root part, from string) part {
	failed := l.s.word("failed", false)
	status := part{
		head: []string{"Content-Type: message/delivery-status"},
		body: []byte("Reporting-MTA: dns; " + domainOf(from) + "\r\n\r\nFinal-Recipient: rfc822; " + failed + "\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"),
	}
	original := part{
		head: []string{"Content-Type: message/rfc822"},
		body: []byte("From: " + l.s.word("toaddr", false) + "\r\nTo: " + failed + "\r\nSubject: " + encodedWords(l.s.word("failedsubject", false), "UTF-8", false) + "\r\nMessage-ID: <" + l.s.draw(hexes, 20) + "@" + OwnDomain + ">\r\n\r\n"),
	}
	p := l.s.multipart("report", root, status, original)
	p.head[0] = strings.Replace(p.head[0], "multipart/report;", "multipart/report; report-type=delivery-status;", 1)
	return p
}

// forwarded is a mail attached to a mail. Its hosts are found in a file.
func (l *links) forwarded(t *Truth) part {
	inner := textPart("plain", l.s.word("innertext", false)+"\n", "UTF-8", "base64")
	name, address := mailbox(l.s.word("innerfrom", false))
	subject := l.s.word("innersubject", false)
	inner.head = slices.Concat([]string{
		"From: " + encodedWords(name, "UTF-8", false) + " <" + address + ">",
		"To: " + l.s.word("toaddr", false),
		"Subject: " + encodedWords(subject, "UTF-8", false),
		"Date: " + l.s.at.AddDate(0, 0, -1).Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Message-ID: <" + l.s.draw(hexes, 20) + "@" + domainOf(address) + ">",
		"MIME-Version: 1.0",
	}, inner.head)
	var b bytes.Buffer
	inner.write(&b)
	file := subject + ".eml"
	t.Files = append(t.Files, file)
	return part{
		head: []string{"Content-Type: message/rfc822;\r\n name=\"" + encodedWords(file, "UTF-8", false) + "\"", "Content-Disposition: attachment;\r\n " + continued("filename", []byte(file), "UTF-8")},
		body: b.Bytes(),
	}
}
