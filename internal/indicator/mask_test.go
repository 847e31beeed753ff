// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestMask(t *testing.T) {
	const mail = "taro.yamada@hospital.example.jp"
	b64 := base64.StdEncoding.EncodeToString([]byte(mail))
	b64url := base64.RawURLEncoding.EncodeToString([]byte("id0001?" + mail))
	for _, c := range []struct{ in, want string }{
		{"https://evil.example/a?b=c", "https://evil.example/a?b=c"},
		{"https://evil.example/?email=" + mail, "https://evil.example/?email=*"},
		{"https://evil.example/?x=" + mail + "&y=1", "https://evil.example/?x=*&y=1"},
		{"https://evil.example/?x=taro.yamada%40hospital.example.jp&y=1", "https://evil.example/?x=*&y=1"},
		{"https://evil.example/?x=taro%252Eyamada%2540hospital.example.jp", "https://evil.example/?x=*"},
		{"https://evil.example/?x=taro%2Byamada@hospital.example.jp", "https://evil.example/?x=*"},
		{"https://evil.example/" + mail + "/login", "https://evil.example/*/login"},
		{"https://evil.example/a#" + mail, "https://evil.example/a#*"},
		{"https://evil.example/" + b64 + "/login", "https://evil.example/*/login"},
		{"https://evil.example/wp/office/" + b64url, "https://evil.example/wp/office/*"},
		{"https://evil.example/?q=" + url.QueryEscape(b64) + "&r=2", "https://evil.example/?q=*&r=2"},
		{"https://evil.example/?q=$" + b64, "https://evil.example/?q=*"},
		{"https://evil.example/" + hex.EncodeToString([]byte(mail)), "https://evil.example/*"},
		{"https://evil.example/?a=b#" + b64, "https://evil.example/?a=b#*"},
		{"https://" + mail + "@evil.example/", "https://*@evil.example/"},
		{"https://yahoo.co.jp@evil.example/", "https://*@evil.example/"},
		{"https://evil.example/?ip=192.0.2.1&language=ja", "https://evil.example/?ip=*&language=ja"},
		{"https://evil.example/?client_ip=2001:db8::1", "https://evil.example/?client_ip=*"},
		{"https://evil.example/?ip=", "https://evil.example/?ip="},
		{"https://evil.example/?ip=*&email=***", "https://evil.example/?ip=*&email=***"},
		{"https://evil.example/?zip=192.0.2.1", "https://evil.example/?zip=192.0.2.1"},
		{"https://evil.example/?user=taroyamada", "https://evil.example/?user=*"},
		{"https://evil.example/?uid=681998329", "https://evil.example/?uid=*"},
		{"https://evil.example/?uid=list", "https://evil.example/?uid=list"},
		{"https://evil.example/?token=0a1b2c3d4e5f60718293a4b5", "https://evil.example/?token=*"},
		{"https://evil.example/?id=12", "https://evil.example/?id=12"},
		{"https://evil.example/?id=news&page=step_one", "https://evil.example/?id=news&page=step_one"},
		{"https://evil.example/?auth=someone@somewhere", "https://evil.example/?auth=*"},
		{"https://cdn.example/npm/pkg@1.2.3/x", "https://cdn.example/npm/pkg@1.2.3/x"},
		{"https://evil.example/4f6a26daf0dc347c54495eb6e7cd1626/login.php", "https://evil.example/4f6a26daf0dc347c54495eb6e7cd1626/login.php"},
		{"https://evil.example/?to=https://evil.example/?email=" + mail, "https://evil.example/?to=https://evil.example/?email=*"},
		{"https://evil.example/r?u=https%3A%2F%2Fb.example%2F%3Femail%3Dtaro%2540hospital.example.jp", "https://evil.example/r?u=https%3A%2F%2Fb.example%2F%3Femail%3D*"},
		{"hxxps://evil[.]example/?x=taro[@]hospital[.]example[.]jp", "hxxps://evil[.]example/?x=*"},
		{"https://taro[@]evil.example/a[.]php", "https://*[@]evil.example/a.php"},
		{"https://evil.example/?name=index&to=top", "https://evil.example/?name=index&to=top"},
		{"hxxps://evil[.]example/?email=" + mail, "hxxps://evil[.]example/?email=*"},
	} {
		got, changed := Mask(URL, c.in)
		if got != c.want || changed != (c.in != c.want) {
			t.Errorf("%s\n got %s, %v\nwant %s", c.in, got, changed, c.want)
		}
	}
	if got, changed := Mask(Email, mail); got != mail || changed {
		t.Errorf("a mail address as indicator was masked: %s", got)
	}
}

// TestMaskAlignments holds that an address is found wherever it begins in base64.
// Question marks encode to "/", so that the run goes over path segments.
func TestMaskAlignments(t *testing.T) {
	for n := range 12 {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			for _, pad := range []string{"k", "?"} {
				in := "https://evil.example/a/" + e.EncodeToString([]byte(strings.Repeat(pad, n)+"taro@hospital.example.jp"))
				got, _ := Mask(URL, in)
				if !strings.HasSuffix(got, "/*") || pad == "k" && got != "https://evil.example/a/*" {
					t.Errorf("%d: %s gives %s", n, in, got)
				}
			}
		}
	}
}

// TestMaskHostile holds that no URL within the limit takes long.
func TestMaskHostile(t *testing.T) {
	for _, unit := range []string{"%25", "id=", "a@", "@", "a.b@", "dGFy/", "[@]", "%40", "=&", "00"} {
		in := "https://evil.example/?" + strings.Repeat(unit, MaxURL/len(unit))
		start := time.Now()
		Mask(URL, in)
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%q took %v", unit, d)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("https://evil.example/?email=taro%40hospital.example.jp&ip=192.0.2.1")
	f.Add("https://a@b@evil.example/dGFyb0Bob3NwaXRhbC5leGFtcGxlLmpw/?token=0a1b2c3d4e5f60718293a4b5#x@y.jp")
	f.Add("hxxps://evil[.]example/?a=%2540&b=@@@a.bc=c@d.ef")
	f.Fuzz(func(t *testing.T, s string) {
		m, changed := Mask(URL, s)
		if changed != (m != s) {
			t.Fatalf("%q: changed = %v for %q", s, changed, m)
		}
		if again, more := Mask(URL, m); more {
			t.Fatalf("%q: twice gives %q, then %q", s, m, again)
		}
		v, err := Normalise(URL, s)
		if err != nil {
			return
		}
		n, _ := Mask(URL, v.Value)
		if _, rest := splitAuthority(v.Value[strings.Index(v.Value, "://")+3:]); mailPattern.MatchString(rest) && n == v.Value {
			t.Fatalf("%q carries an address", n)
		}
		if carriesMail(n) {
			t.Fatalf("%q carries an address", n)
		}
		w, err := Normalise(URL, n)
		if err != nil || w.Host != v.Host {
			t.Fatalf("%q is no URL like %q: %v", n, v.Value, err)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	for b.Loop() {
		if _, changed := Mask(URL, ordinary); changed {
			b.Fatal("changed")
		}
	}
}
