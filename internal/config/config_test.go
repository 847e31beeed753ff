// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// load loads with the arguments, environment and, in an own data folder, file.
func load(t *testing.T, args []string, env map[string]string, file string) (*Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fs := pflag.NewFlagSet("teiten", pflag.ContinueOnError)
	Bind(fs, locale.Japanese)
	if err := fs.Parse(append([]string{"--data", dir}, args...)); err != nil {
		t.Fatal(err)
	}
	c, err := Load(fs, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	return c, dir, err
}

func TestPrecedence(t *testing.T) {
	file := "language = 'en'\n[log]\nlevel = \"error\"\nformat = \"json\"\n[outbound]\nallow = [\"10.0.0.0/8\", \"192.0.2.1\"]\n"
	env := map[string]string{"TEITEN_LOG_LEVEL": "warn", "TEITEN_LOG_FORMAT": "", "TEITEN_LANG": "ja", "TEITEN_LISTEN": ":9000"}
	c, dir, err := load(t, []string{"--lang", "en", "--outbound-proxy", "http://u:hidden@proxy.example:3128"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	if c.Language != locale.English || c.LogLevel != slog.LevelWarn || c.LogFormat != LogJSON || c.Listen != ":9000" || c.File != path {
		t.Errorf("decided %+v", c)
	}
	if len(c.OutboundAllow) != 2 || c.OutboundAllow[1].String() != "192.0.2.1/32" || c.OutboundProxy.Host != "proxy.example:3128" {
		t.Errorf("outbound %v %v", c.OutboundAllow, c.OutboundProxy)
	}
	want := []Setting{
		{"data", dir, "--data"},
		{"database", "", "default"},
		{"listen", ":9000", "TEITEN_LISTEN"},
		{"language", "en", "--lang"},
		{"log.level", "warn", "TEITEN_LOG_LEVEL"},
		{"log.format", "json", path},
		{"outbound.proxy", "http://u:xxxxx@proxy.example:3128", "--outbound-proxy"},
		{"outbound.allow", "10.0.0.0/8,192.0.2.1", path},
	}
	got := c.Describe()
	if len(got) != len(decisions) {
		t.Fatalf("%d settings, want %d", len(got), len(decisions))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("setting %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestAccess(t *testing.T) {
	c, _, err := load(t, []string{"--hosts", "Portal.Example.JP., 病院.example.jp,[2001:DB8::1],10.0.0.9"}, map[string]string{"TEITEN_MAIL_PASSWORD": "hunter2"}, `
[access]
tls = "proxy"
tls_minimum = "1.2"
proxies = ["10.0.0.1", "fd00::/8"]
[mail]
server = "127.0.0.1:25"
security = "none"
from = "portal@example.jp"
`)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Access
	if got := strings.Join(a.Hosts, " "); got != "portal.example.jp xn--0rys90e.example.jp 2001:db8::1 10.0.0.9" {
		t.Errorf("hosts %q", got)
	}
	if a.TLS != TLSProxy || a.Minimum != tls.VersionTLS12 || len(a.Proxies) != 2 {
		t.Errorf("access %+v", a)
	}
	if c.Mail != (Mail{Server: "127.0.0.1:25", Security: MailNone, Password: "hunter2", From: "portal@example.jp"}) {
		t.Errorf("mail %+v", c.Mail)
	}
	for _, s := range c.Describe() {
		if strings.Contains(s.Value, "hunter2") {
			t.Errorf("%s is shown", s.Name)
		}
	}
}

func TestMailbox(t *testing.T) {
	c, _, err := load(t, nil, nil, "")
	if err != nil || c.Mailbox.Listen != "" || c.Mailbox.TLS != TLSOffered || c.Mailbox.MaxBytes != 30<<20 {
		t.Errorf("by default %+v, %v", c.Mailbox, err)
	}
	c, _, err = load(t, nil, nil, "[mailbox]\nlisten = ':2525'\ndomain = 'Houkoku.病院.example.jp'\ntls = 'required'\nrelays = ['10.0.0.5', '10.1.0.0/16']\nmax_mib = '40'\n")
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Mailbox; m.Domain != "houkoku.xn--0rys90e.example.jp" || m.TLS != TLSRequired || len(m.Relays) != 2 || m.MaxBytes != 40<<20 {
		t.Errorf("%+v", m)
	}
}

func TestFlagMayEmptyWhatTheFileSets(t *testing.T) {
	c, _, err := load(t, []string{"--database", ""}, nil, `database = "postgres://x/y"`)
	if err != nil || c.Database != "" {
		t.Errorf("database %q, %v", c.Database, err)
	}
}

func TestNamedFile(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(t.TempDir(), "my.toml")
	content, _ := json.Marshal(data)
	os.WriteFile(path, []byte("data = "+string(content)), 0o600)
	fs := pflag.NewFlagSet("teiten", pflag.ContinueOnError)
	Bind(fs, locale.English, "listen") // a command that knows one flag only
	if fs.Lookup("listen") == nil || fs.Lookup("data") != nil {
		t.Fatal("Bind bound other flags than the named")
	}
	env := map[string]string{"TEITEN_CONFIG": path}
	lookUp := func(n string) (string, bool) { v, ok := env[n]; return v, ok }
	c, err := Load(fs, lookUp)
	if err != nil || c.Data != data || c.Describe()[0].Origin != path {
		t.Errorf("data %+v, %v", c, err)
	}
	env["TEITEN_CONFIG"] += ".absent"
	if _, err := Load(fs, lookUp); fault.Code(err) != "config.file" {
		t.Errorf("a named file that is absent: %v", err)
	}
}

func TestWrongValuesNameTheirPlace(t *testing.T) {
	for _, test := range []struct{ args, env, file, code, place string }{
		{file: "\n\nlisen = 'x'", code: "config.unknown", place: "teiten.toml:3"},
		{file: "[log]\nlevel = 'info'\nlevle = 'x'", code: "config.unknown", place: "teiten.toml:3"},
		{file: "listen = ':1'\n[post]\n", code: "config.unknown", place: "teiten.toml:2"},
		{file: "log.levle = 'x'", code: "config.unknown", place: "teiten.toml:1"},
		{file: "\nlisten = 80", code: "config.type_text", place: "teiten.toml:2"},
		{file: "log = 'loud'", code: "config.unknown", place: "teiten.toml:1"},
		{file: "[outbound]\nallow = '10.0.0.0/8'", code: "config.type_list", place: "teiten.toml:2"},
		{file: "listen = \"", code: "config.toml", place: "line=1"},
		{file: "\ndata = '/x'", code: "config.data_here", place: "line=2"},
		{file: "[log]\nlevel = 'loud'", code: "config.log_level", place: "teiten.toml:2"},
		{env: "TEITEN_LOG_FORMAT=xml", code: "config.log_format", place: "TEITEN_LOG_FORMAT"},
		{env: "TEITEN_LANG=fr", code: "config.language", place: "TEITEN_LANG"},
		{env: "TEITEN_DATABASE=mysql://hidden", code: "config.database", place: "TEITEN_DATABASE"},
		{args: "--listen=localhost", code: "config.listen", place: "--listen"},
		{args: "--listen=localhost:99999", code: "config.listen", place: "--listen"},
		{args: "--data=", code: "config.data", place: "--data"},
		{args: "--outbound-allow=10.1.2.3/8", code: "config.allow_bits", place: "10.0.0.0/8"},
		{args: "--outbound-allow=intranet", code: "config.allow", place: "--outbound-allow"},
		{args: "--outbound-proxy=ftp://u:hidden@x", code: "config.proxy", place: "--outbound-proxy"},
		{args: "--outbound-proxy=http://u:hidden@%zz", code: "config.proxy", place: "--outbound-proxy"},
		{args: "--hosts=portal.example.jp,https://x", code: "config.host", place: "--hosts"},
		{args: "--hosts=portal.example.jp:8443", code: "config.host", place: "--hosts"},
		{env: "TEITEN_TLS=off", code: "config.tls", place: "TEITEN_TLS"},
		{env: "TEITEN_TLS_MINIMUM=1.1", code: "config.tls_minimum", place: "TEITEN_TLS_MINIMUM"},
		{env: "TEITEN_TLS=proxy", code: "config.proxies", place: ""},
		{env: "TEITEN_PROXIES=10.0.0.1/8", code: "config.allow_bits", place: "TEITEN_PROXIES"},
		{file: "[access]\ncertificate = 'a.pem'", code: "config.certificate_key", place: ""},
		{file: "[oidc]\nissuer = 'http://hidden'", code: "config.issuer", place: "teiten.toml:2"},
		{file: "[oidc]\nissuer = 'https://id.example.jp'", code: "config.oidc_client", place: ""},
		{file: "[mail]\nserver = 'smtp.example.jp'", code: "config.mail_server", place: "teiten.toml:2"},
		{file: "[mail]\nserver = 'smtp.example.jp:587'", code: "config.mail_from_missing", place: ""},
		{file: "[mail]\nserver = 'smtp.example.jp:25'\nfrom = 'a@example.jp'\nsecurity = 'none'", code: "config.mail_plain", place: ""},
		{file: "[mail]\nfrom = 'Portal <a@example.jp>'", code: "config.mail_from", place: "teiten.toml:2"},
		{file: "[mailbox]\nlisten = 'smtp'", code: "config.listen", place: "teiten.toml:2"},
		{file: "[mailbox]\nlisten = ':2525'", code: "config.mailbox_domain_missing", place: ""},
		{file: "[mailbox]\ndomain = 'localhost'", code: "config.mailbox_domain", place: "teiten.toml:2"},
		{file: "[mailbox]\ndomain = '192.0.2.1'", code: "config.mailbox_domain", place: "teiten.toml:2"},
		{env: "TEITEN_MAILBOX_DOMAIN=a@example.jp", code: "config.mailbox_domain", place: "TEITEN_MAILBOX_DOMAIN"},
		{env: "TEITEN_MAILBOX_TLS=none", code: "config.mailbox_tls", place: "TEITEN_MAILBOX_TLS"},
		{env: "TEITEN_MAILBOX_MAX_MIB=0", code: "config.mailbox_size", place: "TEITEN_MAILBOX_MAX_MIB"},
		{env: "TEITEN_MAILBOX_MAX_MIB=51", code: "config.mailbox_size", place: "TEITEN_MAILBOX_MAX_MIB"},
		{env: "TEITEN_MAILBOX_RELAYS=10.0.0.1/8", code: "config.allow_bits", place: "TEITEN_MAILBOX_RELAYS"},
		{file: "[mailbox]\ncertificate = 'a.pem'", code: "config.mailbox_certificate_key", place: ""},
		{file: "[mail]\npassword = \"hidden\\nRCPT\"", code: "config.text", place: "teiten.toml:2"},
	} {
		env := map[string]string{}
		if name, value, ok := strings.Cut(test.env, "="); ok {
			env[name] = value
		}
		var args []string
		if test.args != "" {
			args = []string{test.args}
		}
		_, _, err := load(t, args, env, test.file)
		if fault.Code(err) != test.code || !strings.Contains(err.Error(), test.place) {
			t.Errorf("%s%s%q: %v; want %s at %s", test.args, test.env, test.file, err, test.code, test.place)
			continue
		}
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s%s: the error tells a password", test.args, test.env)
		}
		for _, lang := range locale.Langs {
			if s := lang.Fault(err); strings.ContainsAny(s, "{}") || strings.HasPrefix(s, "[") {
				t.Errorf("%s: the sentence is %q", test.code, s)
			}
		}
	}
}

func TestEveryFlagHasUsage(t *testing.T) {
	for _, lang := range locale.Langs {
		fs := pflag.NewFlagSet("teiten", pflag.ContinueOnError)
		Bind(fs, lang)
		fs.VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasPrefix(f.Usage, "[") {
				t.Errorf("--%s has the usage %q", f.Name, f.Usage)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"postgres://teiten:s3cret@db.example/teiten?sslmode=require": "postgres://teiten:xxxxx@db.example/teiten?sslmode=require",
		"postgres://teiten@/teiten?host=/run&password=s3cret":        "postgres://teiten@/teiten?host=/run&password=xxxxx",
		"postgres://db/teiten?sslpassword=s3cret&x=1":                "postgres://db/teiten?sslpassword=xxxxx&x=1",
		"postgres://db/teiten?p%61ssword=s3cret":                     "postgres://db/teiten?p%61ssword=xxxxx",
		"postgres://u:s3c ret@[::1":                                  "xxxxx",
		"s3cret":                                                     "xxxxx",
		"host=db password=s3cret":                                    "xxxxx",
		"http://proxy.example:3128":                                  "http://proxy.example:3128",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("listen = ':80'\n[log]\nlevel = 'info'\n")
	f.Add("[[log]]\n[outbound]\nallow = [1]\n'a.b' = {c = 1}")
	f.Fuzz(func(t *testing.T, content string) {
		all, err := parse("f", content)
		if err != nil && fault.Code(err) == "" {
			t.Errorf("an error that is no fault: %v", err)
		}
		for name := range all {
			found := false
			for _, d := range decisions {
				found = found || d.name == name
			}
			if !found {
				t.Errorf("accepted the unknown key %q", name)
			}
		}
	})
}
