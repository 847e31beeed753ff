// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compress gzips text for clients that take it. Secrets do not stand in pages
// (requests are told apart by origin, not by tokens in forms), so there is
// nothing for a length oracle such as BREACH to find. The few pages that show
// one are kept out by secret.
func compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if r.Method == http.MethodHead || !acceptsGzip(r.Header.Get("Accept-Encoding")) {
			next.ServeHTTP(w, r)
			return
		}
		z := &zipped{ResponseWriter: w}
		next.ServeHTTP(z, r)
		z.close() // not deferred: after a panic the recovery writes the answer
	})
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as far as needed:
// gzip is named and its weight is not zero.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight = strings.ReplaceAll(weight, " ", "")
			return strings.TrimRight(weight, "0.") != "q="
		}
	}
	return false
}

var gzips = sync.Pool{New: func() any {
	// A page is a tenth larger than with the default level, for a third of the time.
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

// zipped decides at the header whether the answer is worth compressing.
type zipped struct {
	http.ResponseWriter
	gz      *gzip.Writer
	decided bool // whether to compress
}

// secret marks a handler whose answer shows a secret: it is not compressed, so
// that its length tells nothing about the secret (BREACH, CVE-2013-3587).
func secret(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		for inner := w; inner != nil; {
			if z, ok := inner.(*zipped); ok {
				z.decided = true
				break
			}
			below, ok := inner.(interface{ Unwrap() http.ResponseWriter })
			if !ok {
				break
			}
			inner = below.Unwrap()
		}
		return h(w, r, q)
	}
}

func (z *zipped) WriteHeader(status int) {
	if !z.decided && status >= 200 {
		z.decided = true
		h := z.Header()
		if status != http.StatusNoContent && status != http.StatusNotModified && status != http.StatusPartialContent &&
			h.Get("Content-Encoding") == "" && isText(h.Get("Content-Type")) {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			z.gz = gzips.Get().(*gzip.Writer)
			z.gz.Reset(z.ResponseWriter)
		}
	}
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipped) Write(b []byte) (int, error) {
	if !z.decided {
		if z.Header().Get("Content-Type") == "" {
			z.Header().Set("Content-Type", http.DetectContentType(b))
		}
		z.WriteHeader(http.StatusOK)
	}
	if z.gz != nil {
		return z.gz.Write(b)
	}
	return z.ResponseWriter.Write(b)
}

// FlushError sends what is compressed so far; http.ResponseController finds it.
func (z *zipped) FlushError() error {
	if z.gz != nil {
		if err := z.gz.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(z.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (z *zipped) Unwrap() http.ResponseWriter { return z.ResponseWriter }

func (z *zipped) close() {
	if z.gz != nil {
		_ = z.gz.Close() // the client may have gone
		z.gz.Reset(nil)
		gzips.Put(z.gz)
		z.gz = nil
	}
}

func isText(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	switch mime = strings.TrimSpace(mime); mime {
	case "application/json", "application/problem+json", "application/xml", "image/svg+xml", "application/taxii+json", "application/stix+json":
		return true
	}
	return strings.HasPrefix(mime, "text/")
}
