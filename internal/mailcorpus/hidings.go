// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// hideForm is a way of writing a link so that programs miss it and people (or
// browsers) do not. write notes the hosts.
type hideForm struct {
	write func(x *mess) string
}

// link writes the mail's link, the same in all bodies.
func (x *mess) link() string {
	if x.anchor == "" {
		x.anchor = x.hide.write(x)
	}
	return x.anchor
}

// target draws a host and a path, and notes the host.
func (x *mess) target() (host, path string) {
	host, path = x.word("jhost", false), x.word("jpath", false)
	if len(x.m.Hosts) == 0 {
		x.m.Hosts = append(x.m.Hosts, host)
	}
	return host, path
}

func plainLink(x *mess) string {
	host, path := x.target()
	u := "https://" + host + "/" + path
	if x.asHTML {
		return `<a href="` + u + `">URL</a>`
	}
	return u
}

// href is a link in HTML whose attribute is written by fn.
func href(name string, fn func(x *mess, host, path string) string) mistake {
	return fragment(name, func(x *mess, host, path string) string {
		return `<a href="` + fn(x, host, path) + `">` + "詳細</a>"
	})
}

// fragment is a piece of HTML.
func fragment(name string, fn func(x *mess, host, path string) string) mistake {
	return mistake{name: "hide." + name, apply: func(x *mess) {
		x.asHTML, x.structure = true, nil
		x.hide = &hideForm{func(x *mess) string {
			host, path := x.target()
			return fn(x, host, path)
		}}
	}}
}

// inText is a link in plain text.
func inText(name string, fn func(x *mess, host, path string) string) mistake {
	k := fragment(name, fn)
	return mistake{name: k.name, apply: func(x *mess) {
		k.apply(x)
		x.asHTML = false
	}}
}

// numeric is a host that is an address; the path is the same.
func numeric(name string, write func(a [4]byte) string) mistake {
	return href(name, func(x *mess, _, path string) string {
		a := [4]byte{192, 0, 2, byte(8 + x.r.IntN(240))}
		x.m.Hosts = []string{netip.AddrFrom4(a).String()}
		return "http://" + write(a) + "/" + path
	})
}

func perCharacter(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// wide writes ASCII in the full-width forms of Unicode.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r - ' ' + '\uff00'
		}
		return r
	}, s)
}

var hidings = []mistake{
	href("line-break", func(x *mess, h, p string) string { return "https://" + h[:3] + "\r\n" + h[3:] + "/\t" + p }),
	href("spaces", func(x *mess, h, p string) string { return " \t\r\n https://" + h + "/" + p + "  " }),
	href("entities", func(x *mess, h, p string) string { return perCharacter("https://"+h+"/"+p, "&#%d;") }),
	href("entities-hex", func(x *mess, h, p string) string { return "https://" + perCharacter(h, "&#x%x") + "/" + p }),
	href("entities-named", func(x *mess, h, p string) string {
		return "https&colon;&sol;&sol;" + strings.ReplaceAll(h, ".", "&period;") + "&sol;" + p
	}),
	href("backslash", func(x *mess, h, p string) string { return `https:\\` + h + `\` + p }),
	href("one-slash", func(x *mess, h, p string) string { return "https:/" + h + "/" + p }),
	href("three-slashes", func(x *mess, h, p string) string { return "https:///" + h + "/" + p }),
	href("user", func(x *mess, h, p string) string { return "https://www.bank.example@" + h + "/" + p }),
	href("user-percent", func(x *mess, h, p string) string {
		return "https://" + perCharacter("www.bank.example", "%%%02x") + ":" + x.draw(hexes, 40) + "@" + h + "/" + p
	}),
	numeric("ip-octal", func(a [4]byte) string { return fmt.Sprintf("%04o.%04o.%04o.%04o", a[0], a[1], a[2], a[3]) }),
	numeric("ip-hex", func(a [4]byte) string { return fmt.Sprintf("0x%X.0x%X.0x%X.0x%X", a[0], a[1], a[2], a[3]) }),
	numeric("ip-number", func(a [4]byte) string { return fmt.Sprint(binary.BigEndian.Uint32(a[:])) }),
	href("percent-host", func(x *mess, h, p string) string { return "https://" + perCharacter(h, "%%%02X") + "/" + p }),
	href("upper-case", func(x *mess, h, p string) string { return "HTTPS://" + strings.ToUpper(h) + "/" + p }),
	href("full-width", func(x *mess, h, p string) string { return "https://" + wide(h) + "/" + p }),
	href("ideographic-dot", func(x *mess, h, p string) string {
		return "https://" + strings.ReplaceAll(h, ".", "。") + "/" + p
	}),
	href("idn", func(x *mess, h, p string) string {
		h = "病院確認" + x.word("month", false) + "." + h
		a, err := idna.Lookup.ToASCII(h)
		if err != nil {
			panic("mailcorpus: " + err.Error())
		}
		x.m.Hosts = []string{a}
		return "https://" + h + "/" + p
	}),
	href("zero-width", func(x *mess, h, p string) string {
		return "https://" + h[:2] + "&#8203;" + h[2:4] + "&shy;" + h[4:] + "/" + p
	}),
	href("no-scheme", func(x *mess, h, p string) string { return "//" + h + "/" + p }),
	href("port-dot", func(x *mess, h, p string) string { return "https://" + h + ".:443/" + p }),
	fragment("unquoted", func(x *mess, h, p string) string { return "<A  HREF = https://" + h + "/" + p + " >詳細</A>" }),
	fragment("form", func(x *mess, h, p string) string {
		return `<form method=post action="https://` + h + "/" + p + `"><input type="password" name="p"><input type="submit" value="次へ"></form>`
	}),
	fragment("form-button", func(x *mess, h, p string) string {
		return `<form><input name="id"><button formaction="https://` + h + "/" + p + `">送信</button></form>`
	}),
	fragment("refresh", func(x *mess, h, p string) string {
		return `<META HTTP-EQUIV="Refresh" CONTENT="1;URL='https://` + h + "/" + p + `'">`
	}),
	fragment("area", func(x *mess, h, p string) string {
		return `<img src="cid:a" usemap="#m"><map name="m"><area shape="rect" coords="0,0,9,9" href="https://` + h + "/" + p + `"></map>`
	}),
	fragment("style", func(x *mess, h, p string) string {
		return `<div style="background-image:url('https://` + h + "/" + p + `.png')">&nbsp;</div>`
	}),
	fragment("frame", func(x *mess, h, p string) string {
		return `<iframe src="https://` + h + "/" + p + `"></iframe>`
	}),
	fragment("base", func(x *mess, h, p string) string {
		return `<base href="https://` + h + `/"><a href="` + p + `">詳細</a>`
	}),
	fragment("conditional-comment", func(x *mess, h, p string) string {
		return `<!--[if mso]><v:roundrect href="https://` + h + "/" + p + `"></v:roundrect><![endif]-->`
	}),
	fragment("tags-in-text", func(x *mess, h, p string) string {
		return "https://" + h[:2] + "<b></b>" + h[2:4] + "<!-- -->" + h[4:] + "/" + p
	}),
	fragment("svg", func(x *mess, h, p string) string {
		return `<svg width="9" height="9"><a xlink:href="https://` + h + "/" + p + `"><text>a</text></a></svg>`
	}),
	href("redirector", func(x *mess, h, p string) string {
		r := "go." + x.draw(small, 5) + ".example.com"
		x.m.Hosts = append(x.m.Hosts, r)
		return "https://" + r + "/url?sa=t&amp;url=" + url.QueryEscape("https://"+h+"/"+p) + "&amp;usg=" + x.draw(hexes, 8)
	}),
	href("redirector-twice", func(x *mess, h, p string) string {
		r := "go." + x.draw(small, 5) + ".example.com"
		x.m.Hosts = append(x.m.Hosts, r)
		return "https://" + r + "/r?u=" + url.QueryEscape(url.QueryEscape("https://"+h+"/"+p))
	}),
	href("redirector-base64", func(x *mess, h, p string) string {
		r := "go." + x.draw(small, 5) + ".example.net"
		x.m.Hosts = append(x.m.Hosts, r)
		return "https://" + r + "/c/" + base64.RawURLEncoding.EncodeToString([]byte("https://"+h+"/"+p))
	}),
	href("redirector-path", func(x *mess, h, p string) string {
		r := "cdn." + x.draw(small, 5) + ".example.org"
		x.m.Hosts = append(x.m.Hosts, r)
		return "https://" + r + "/amp/s/https://" + h + "/" + p
	}),
	with(href("qp-split", func(x *mess, h, p string) string { return "https://" + h + "/" + p }), func(x *mess) {
		x.form, x.transfer = textForm{"UTF-8", "utf-8"}, transferForm{"quoted-printable", quotedSplit}
	}),
	with(href("base64-html", func(x *mess, h, p string) string { return "https://" + h + "/" + p }), func(x *mess) {
		x.form, x.transfer = textForm{"UTF-8", "utf-8"}, transferForm{"base64", as("base64")}
	}),
	{name: "hide.calendar", apply: func(x *mess) {
		x.asHTML, x.hide = false, nil
		x.structure = func(body part) part {
			host, path := x.word("jhost", false), x.word("jpath", false)
			x.m.FileHosts = append(x.m.FileHosts, host)
			// The line is folded in the host (RFC 5545, section 3.1).
			text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:" + x.draw(hexes, 12) +
				"\r\nDTSTART:20261201T010000Z\r\nSUMMARY:" + x.m.Subject + "\r\nURL:https://" + host[:3] + "\r\n " + host[3:] + "/" + path + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
			return x.multipart("alternative", body, part{
				head: []string{"Content-Type: text/calendar; charset=UTF-8; method=REQUEST", "Content-Transfer-Encoding: 8bit"},
				body: []byte(text),
			})
		}
	}},
	inText("text-wrapped", func(x *mess, h, p string) string {
		return "<URL:https://" + h + "/\r\n  " + p + ">"
	}),
	inText("text-touching", func(x *mess, h, p string) string {
		return "こちらhttps://" + h + "/" + p + "をご覧ください。"
	}),
	inText("text-brackets", func(x *mess, h, p string) string { return "「https://" + h + "/" + p + "」（https://" + h + "）" }),
	inText("text-full-width", func(x *mess, h, p string) string { return wide("https://" + h + "/" + p) }),
	inText("text-no-scheme", func(x *mess, _, p string) string {
		h := "www." + x.draw(small, 7) + ".example.com"
		x.m.Hosts = []string{h}
		return h + "/" + p
	}),
	{name: "hide.link-text", apply: func(x *mess) {
		x.asHTML, x.structure = true, nil
		x.hide = &hideForm{func(x *mess) string {
			h, p := x.target()
			shown := "www.bank.example.jp"
			x.m.Hosts = append(x.m.Hosts, shown)
			return `<a href="https://` + h + "/" + p + `">` + html.EscapeString("https://"+shown+"/login") + "</a>"
		}}
	}},
}

// with adds to a mistake.
func with(k mistake, more func(x *mess)) mistake {
	return mistake{name: k.name, apply: func(x *mess) {
		k.apply(x)
		more(x)
	}}
}
