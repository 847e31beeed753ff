# SPDX-FileCopyrightText: The Teiten Authors
# SPDX-License-Identifier: Apache-2.0

VERSION := 0.1.0
COMMIT  := $(shell git describe --always --abbrev=12 --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X teiten/internal/cli.Version=$(VERSION) -X teiten/internal/cli.Commit=$(COMMIT)
LONGEST := ./internal/web ./internal/cli ./internal/backup ./internal/mailbox # begin first, so that none is waited for alone
TOOL    := go tool -modfile=tools/go.mod

.PHONY: help run build test quick check vet bench fuzz deps update clean

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

run: build ## start a portal with sample data on loopback
	./bin/teiten demo

build: ## build ./bin/teiten, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/teiten ./cmd/teiten

test: deps vet ## everything: install what the tests need, vet, race detector, all tests
	GOGC=400 go test -race -short -timeout 25m ./...
	GOGC=400 go test -tags browser -timeout 30m ./...
	$(MAKE) --no-print-directory build
	./bin/teiten --version

check: test ## what CI runs

quick: ## the tests to run all day, on SQLite: those that a change touches, under two minutes
	go vet ./...
	TEITEN_TEST_ENGINE=sqlite GOGC=400 go test -short -p 4 $(LONGEST) ./...

vet: ## gofmt, go vet, staticcheck, govulncheck
	@test -z "$$(gofmt -l cmd internal)" || { echo "gofmt would change:"; gofmt -l cmd internal; exit 1; }
	go vet -tags browser ./...
	$(TOOL) staticcheck -tags browser ./...
	scripts/govulncheck

deps: ## install, or ask for, the programs that the tests start
	scripts/test-deps

bench: deps ## benchmarks that print ratios; see docs/performance.md
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./...

fuzz: ## every fuzz target for a minute
	scripts/fuzz 60s

update: ## rewrite golden and generated files
	go test ./internal/chart ./internal/blocklist ./internal/glossary ./internal/api ./internal/permit -update

clean:
	rm -rf bin
