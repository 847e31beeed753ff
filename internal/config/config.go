// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package config gathers what the operator decides before the program starts.
// A value comes from a flag, else from the environment, else from the file
// teiten.toml, else it is the default. Each keeps its origin, so that `teiten
// doctor` can answer "where does this come from?" and an error can name the
// place to correct.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// FileName is the file that is read from the data folder when --config and
// TEITEN_CONFIG name no other. Only a named file has to exist.
const FileName = "teiten.toml"

// LogFormat is how log lines are written.
type LogFormat string

const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Config is what was decided. It is made by Load and holds checked values only.
type Config struct {
	// Data is the data folder.
	Data string
	// Database is a postgres:// address, or "" for SQLite in the data folder.
	// It may hold a password: show it with Redact.
	Database string
	// Listen is host:port of the portal; an empty host is every address.
	Listen string
	// Language is the language of the command line and of pages for readers
	// who ask for none.
	Language locale.Lang
	LogLevel slog.Level
	// LogFormat is text for people or json for machines.
	LogFormat LogFormat
	// OutboundProxy is the proxy for all fetching, nil for none. It may hold a
	// password.
	OutboundProxy *url.URL
	// OutboundAllow are networks that may be fetched from although they are
	// not public.
	OutboundAllow []netip.Prefix
	// Access says who may reach the portal and how.
	Access Access
	// OIDC is the institution's own sign-in, by OpenID Connect; the zero value is none.
	OIDC OIDC
	// Mail is the server by which notices are sent; the zero value is none.
	Mail Mail
	// Mailbox is where suspicious mails are forwarded to; the zero value is none.
	Mailbox Mailbox
	// File is the configuration file that was read, "" if there was none.
	File string

	settings []Setting
}

// Setting is one value with the place it comes from.
type Setting struct {
	Name string `json:"name"` // as in the file: log.level
	// Value is as it was written, passwords replaced by xxxxx.
	Value string `json:"value"`
	// Origin is --flag, the name of an environment variable, the path of the
	// file, or "default".
	Origin string `json:"origin"`
}

// Describe lists every setting in a fixed order, safe to show.
func (c *Config) Describe() []Setting { return append([]Setting(nil), c.settings...) }

// Bind adds the flags of the named settings to fs, or of all settings if none
// is named, with usage in the language. What is decided once for an
// installation has no flag: it stands in the file or in the environment. --config counts as the setting "config".
func Bind(fs *pflag.FlagSet, lang locale.Lang, names ...string) {
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	for _, d := range append([]decision{configFile}, decisions...) {
		if d.flag != "" && (len(names) == 0 || wanted[d.name]) {
			fs.String(d.flag, "", lang.T("config.flag."+d.name))
		}
	}
}

// Load decides every setting. Flags that fs lacks count as not given; an
// environment variable that is empty counts as not set. The environment is
// os.LookupEnv, except in tests. Every error names where the value stands.
func Load(fs *pflag.FlagSet, env func(string) (string, bool)) (*Config, error) {
	c := &Config{}
	given := func(d decision) (value, origin string, ok bool) {
		if f := fs.Lookup(d.flag); f != nil && f.Changed {
			return f.Value.String(), "--" + d.flag, true
		}
		if v, found := env(d.env); found && v != "" {
			return v, d.env, true
		}
		return "", "", false
	}

	// The data folder may hold the file, and a file named otherwise may hold
	// the data folder: a file in the data folder cannot move itself.
	data, _, dataGiven := given(dataFolder)
	path, _, named := given(configFile)
	if !named {
		if !dataGiven {
			data = defaultData(env)
		}
		path = filepath.Join(data, FileName)
	}
	file, err := readFile(path, named)
	if err != nil {
		return nil, err
	}
	if v, ok := file[dataFolder.name]; ok && !named {
		return nil, fault.New(fault.Invalid, "config.data_here", "file", path, "line", v.line)
	}
	if file != nil {
		c.File = path
	}

	for _, d := range decisions {
		value, origin, ok := given(d)
		place := origin
		if !ok {
			if v, found := file[d.name]; found {
				value, origin, ok = v.text, path, true
				place = v.place(path)
			}
		}
		if !ok {
			value, origin, place = d.fallback(env), "default", "default"
		}
		if err := d.set(c, value, place); err != nil {
			return nil, err
		}
		shown := value
		if d.show != nil {
			shown = d.show(value)
		}
		c.settings = append(c.settings, Setting{Name: d.name, Value: shown, Origin: origin})
	}
	return c, c.together()
}

// defaultData is where the data lies when nobody says: the folder that systemd
// made for the service (StateDirectory=), /var/lib/teiten for root, else the
// user's folder for application data (on Unix by the XDG Base Directory
// Specification).
func defaultData(env func(string) (string, bool)) string {
	if dir, ok := env("STATE_DIRECTORY"); ok && filepath.IsAbs(dir) {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/lib/teiten"
	}
	for _, name := range []string{"XDG_DATA_HOME", "LOCALAPPDATA"} {
		if dir, ok := env(name); ok && filepath.IsAbs(dir) {
			return filepath.Join(dir, "teiten")
		}
	}
	if home, ok := env("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "teiten")
	}
	return "teiten-data"
}
