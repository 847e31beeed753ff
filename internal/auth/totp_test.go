// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/xml"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"teiten/internal/program"
)

// RFC 6238 appendix B, the last six of its eight digits.
func TestTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		for _, off := range []int64{-30, 0, 30} {
			if step, ok := matchTOTP(secret, code, time.Unix(at+off, 0)); !ok || step != at/30 {
				t.Errorf("%s at %d%+d: step %d, %v", code, at, off, step, ok)
			}
		}
		for _, off := range []int64{-61, 61} {
			if _, ok := matchTOTP(secret, code, time.Unix(at+off, 0)); ok && at+off > 0 {
				t.Errorf("%s is taken %d seconds off", code, off)
			}
		}
		if _, ok := matchTOTP([]byte("12345678901234567891"), code, time.Unix(at, 0)); ok {
			t.Errorf("%s is taken for another secret", code)
		}
	}
	for _, code := range []string{"", "287", "2870820", "28708a", "94287082"} {
		if _, ok := matchTOTP(secret, code, time.Unix(59, 0)); ok {
			t.Errorf("%q is taken", code)
		}
	}
	if s := newSecret(); len(s) != 20 || string(s) == string(newSecret()) {
		t.Error("secrets are not fresh")
	}
}

// Another reader of the format reads what we write.
func TestProvisioning(t *testing.T) {
	secret := newSecret()
	p := provisioning("定点 & Teiten", "staff+a@甲", secret)
	key, err := otp.NewKeyFromURL(p.URI)
	if err != nil {
		t.Fatal(err)
	}
	if key.Issuer() != "定点 & Teiten" || key.AccountName() != "staff+a@甲" || key.Secret() != base32Text.EncodeToString(secret) ||
		key.Type() != "totp" || key.Digits() != otp.DigitsSix || key.Period() != 30 || key.Algorithm() != otp.AlgorithmSHA1 {
		t.Errorf("%s", p.URI)
	}
	if u, err := url.Parse(p.URI); err != nil || strings.Contains(p.URI, "+") || u.Host != "totp" {
		t.Errorf("%s: %v", p.URI, err)
	}
	if strings.ReplaceAll(p.Secret, " ", "") != key.Secret() || len(p.Secret) != 39 {
		t.Errorf("%q", p.Secret)
	}
}

// A reader of QR codes reads our SVG as it is drawn.
func TestQR(t *testing.T) {
	reader := program.Need(t, "zbarimg")
	uri := provisioning("定点 Teiten", "staff-a", newSecret()).URI
	for _, text := range []string{uri, "HELLO 123", strings.Repeat("x", maxQR)} {
		svg, err := QR(text, `コード "<A>"`)
		if err != nil {
			t.Fatal(err)
		}
		var drawn struct {
			Role  string `xml:"role,attr"`
			Label string `xml:"aria-label,attr"`
			Box   string `xml:"viewBox,attr"`
			Title string `xml:"title"`
			Path  struct {
				D string `xml:"d,attr"`
			} `xml:"path"`
		}
		if err := xml.Unmarshal([]byte(svg), &drawn); err != nil {
			t.Fatalf("%s: %v", svg, err)
		}
		if drawn.Role != "img" || drawn.Title != `コード "<A>"` || drawn.Label != drawn.Title {
			t.Errorf("%+v", drawn)
		}
		side, _ := strconv.Atoi(strings.Fields(drawn.Box)[2])
		name := filepath.Join(t.TempDir(), "qr.png")
		writePNG(t, name, paint(t, drawn.Path.D, side))
		out, err := exec.Command(reader, "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", name).Output()
		if got := strings.TrimSuffix(string(out), "\n"); err != nil || got != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	if _, err := QR(strings.Repeat("x", maxQR+1), ""); err == nil {
		t.Error("a text without end is drawn")
	}
}

var bar = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// paint draws the bars of a path, each module six pixels wide.
func paint(t *testing.T, path string, side int) image.Image {
	t.Helper()
	const px = 6
	img := image.NewGray(image.Rect(0, 0, side*px, side*px))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	if rest := bar.ReplaceAllString(path, ""); rest != "" {
		t.Fatalf("the path has %.50q", rest)
	}
	for _, m := range bar.FindAllStringSubmatch(path, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		if x < quiet || y < quiet || x+n > side-quiet || y >= side-quiet {
			t.Fatalf("%s is in the quiet zone", m[0])
		}
		for i := range n * px {
			for j := range px {
				img.SetGray(x*px+i, y*px+j, color.Gray{})
			}
		}
	}
	return img
}

func writePNG(t *testing.T, name string, img image.Image) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}
