// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"teiten/internal/config"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/federate"
	"teiten/internal/founding"
	"teiten/internal/httpd"
	"teiten/internal/member"
	"teiten/internal/outbound"
	"teiten/internal/passkey"
	"teiten/internal/pki"
	"teiten/internal/web"
)

// serve runs the portal with both keys: a certificate at the door, a person
// behind it.
func (a *app) serve(ctx context.Context, office *device.Office, ready func(url string)) error {
	hosts := a.cfg.Access.Hosts
	if len(hosts) == 0 {
		return fault.New(fault.Invalid, "cli.hosts")
	}
	access, err := a.access(office)
	if err != nil {
		return err
	}
	proxied := a.cfg.Access.TLS == config.TLSProxy
	peers := &httpd.Peers{DB: a.db, Office: office, Proxied: proxied, Proxies: a.cfg.Access.Proxies, Log: a.log}
	r := running{
		site:  web.Config{Hosts: hosts, Secure: true, Deps: web.Deps{Access: access}},
		peers: peers.Handler,
		url:   func(net.Listener) string { return portalURL(a.cfg) },
		ready: ready,
		serve: func(server *http.Server, l net.Listener) error { return server.Serve(l) },
	}
	if proxied {
		return a.run(ctx, r)
	}
	door, err := a.openDoor(ctx, office)
	if err != nil {
		return err
	}
	r.serve = func(server *http.Server, l net.Listener) error {
		server.TLSConfig = httpd.TLS(a.cfg.Access.Minimum, door.roots, door.certificate)
		return server.ServeTLS(l, "", "")
	}
	r.url = func(l net.Listener) string {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		shown := *a.cfg
		shown.Listen = net.JoinHostPort("", port)
		return portalURL(&shown)
	}
	daily, stop := context.WithCancel(ctx)
	defer stop()
	go door.keep(daily)
	return a.run(ctx, r)
}

// access is the way in as the settings describe it.
func (a *app) access(office *device.Office) (*web.Access, error) {
	access := &web.Access{Office: office, Keys: a.blobs.Keyring()}
	ports := []int{443}
	if _, port, err := net.SplitHostPort(a.cfg.Listen); err == nil && a.cfg.Access.TLS == config.TLSHere {
		if n, err := strconv.Atoi(port); err == nil && n != 0 && n != 443 {
			ports = append(ports, n)
		}
	}
	var err error
	access.Party, err = passkey.NewRelyingParty(a.t("web.name"), a.cfg.Access.Hosts[0], ports...)
	if err != nil && fault.Code(err) != "passkey.host" { // a bare address has no passkeys
		return nil, err
	}
	if o := a.cfg.OIDC; o.Issuer != "" {
		settings := federate.Config{Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret,
			RedirectURL: portalURL(a.cfg) + "sign-in/oidc/return", Allowed: a.cfg.OutboundAllow}
		client := outbound.New(settings.Policy(outbound.Policy{Proxy: a.cfg.OutboundProxy, UserAgent: "Teiten/" + Version}))
		if access.Provider, err = federate.New(settings, client); err != nil {
			return nil, err
		}
	}
	return access, nil
}

// door holds the portal's certificate, whether it is the operator's own or one
// of the installation's authority, and renews it while the portal runs.
type door struct {
	a       *app
	office  *device.Office
	files   *pki.ServerFiles
	foreign *pki.BundleFile
	roots   *x509.CertPool
	now     atomic.Pointer[tls.Certificate]
}

func (a *app) openDoor(ctx context.Context, office *device.Office) (*door, error) {
	d := &door{a: a, office: office}
	var err error
	if path := a.cfg.Access.ClientAuthorities; path != "" {
		if d.foreign, err = pki.OpenBundleFile(path); err != nil {
			return nil, err
		}
		office.Trust(d.foreign.Authorities())
	}
	if chain := a.cfg.Access.Certificate; chain != "" {
		d.files, err = pki.OpenServerFiles(chain, a.cfg.Access.Key, time.Now())
	}
	if err == nil {
		err = d.renew(ctx)
	}
	if err != nil {
		return nil, err
	}
	d.roots = x509.NewCertPool()
	for _, c := range office.Roots() {
		d.roots.AddCert(c)
	}
	return d, nil
}

func (d *door) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return d.now.Load(), nil }

// renew takes the certificate that is to be shown now.
func (d *door) renew(ctx context.Context) error {
	if d.files != nil {
		_, err := d.files.Reload(time.Now())
		d.now.Store(d.files.Certificate()) // the newest that could be read
		return err
	}
	operator, err := member.LocalOperator(ctx, d.a.db, "system")
	if err != nil {
		return err
	}
	c, err := d.office.IssueServer(ctx, d.a.db, operator, d.a.cfg.Access.Hosts)
	if err != nil {
		return err
	}
	d.now.Store(c)
	return nil
}

// keep looks every minute whether files have changed, and every hour whether
// the portal's own certificate nears its end. What cannot be renewed stays as
// it is, and the log says why.
func (d *door) keep(ctx context.Context) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
		}
		var err error
		if d.files != nil || n%60 == 0 {
			err = d.renew(ctx)
		}
		if d.foreign != nil {
			changed, again := d.foreign.Reload(time.Now())
			if changed {
				d.office.Trust(d.foreign.Authorities())
			}
			err = errors.Join(err, again)
		}
		if err != nil && ctx.Err() == nil {
			d.a.log.Error("renewal of certificates", "error", err)
		}
	}
}

// firstRun lets the operator answer the questions of set-up in a browser on
// this machine. It returns nil without an error when she stops the program.
func (a *app) firstRun(ctx context.Context) (*device.Office, error) {
	if !web.IsLoopback(a.cfg.Listen) {
		return nil, fault.New(fault.Invalid, "cli.not_founded", "listen", a.cfg.Listen)
	}
	listener, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "cli.listen", "listen", a.cfg.Listen)
	}
	code := pki.OneTimePassword()
	done := make(chan struct{})
	page, err := web.NewFirstRun(web.FirstRun{
		Log: a.log, Lang: a.cfg.Language, Code: code, Host: founding.LikelyHost(),
		Found: func(ctx context.Context, asked founding.Answers) (web.Founded, error) {
			made, err := a.found(ctx, asked)
			if err != nil {
				return web.Founded{}, err
			}
			return web.Founded{Password: made.Password, Login: made.Login, URL: made.URL, Certificate: made.Certificate, Authority: made.Authority, P12: made.P12}, nil
		},
		Begin: func() { close(done) },
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := web.HTTPServer(page, a.log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	a.say("cli.first_run", "url", "http://"+listener.Addr().String()+"/", "code", code)
	select {
	case err := <-failed:
		return nil, err
	case <-ctx.Done():
		return nil, server.Close()
	case <-done:
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		server.Close()
	}
	return device.Open(ctx, a.db, a.blobs.Keyring())
}
