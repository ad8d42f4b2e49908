# Fettle. `make demo` shows the whole story on a real machine; `make test` installs what the tests need and runs them all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
GO ?= go
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
# SQLite is C in Go: its memory is not Go's, which the detector does not watch: watching its code finds nothing and takes most of the time.
RACE := -race $(foreach p,sqlite/lib libc memory,-gcflags=modernc.org/$p=-race=false)
FLEET ?= 10000
ONLY ?=
SEEDS ?= 2000
DAYS ?= 28
KILLS ?= 520
LOSSES ?= 60
HTMX := internal/web/assets/htmx.min.js
UPLOT := internal/web/assets/uPlot.iife.min.js internal/web/assets/uPlot.min.css

.PHONY: build agents msi packages demo test check unit stories rest worlds kills browser pictures bench torture sabotage clean

build: $(HTMX) $(UPLOT) ## bin/fettle, the bin/fettle-server that it becomes for all but a detect, and bin/fettle-agent
	$(BUILD) -o bin/fettle-server ./cmd/fettle
	$(BUILD) -o bin/fettle ./cmd/fettle-front
	$(BUILD) -o bin/ ./cmd/fettle-agent

agents: ## bin/agents: the agent for every system that machines install it on
	for os in linux windows darwin; do for arch in amd64 arm64; do \
		ext=; [ $$os != windows ] || ext=.exe; GOOS=$$os GOARCH=$$arch $(BUILD) -o bin/agents/fettle-agent-$$os-$$arch$$ext ./cmd/fettle-agent; done; done

msi: agents ## bin/agents/fettle-agent-amd64.msi: msiexec /i … SERVER=… TOKEN=…
	scripts/needs msi
	scripts/msi bin/agents/fettle-agent-windows-amd64.exe bin/agents/fettle-agent-amd64.msi

packages: agents ## bin/agents/fettle-agent-amd64.deb, .rpm, and the same for arm64
	scripts/needs packages
	for arch in amd64 arm64; do scripts/packages bin/agents/fettle-agent-linux-$$arch $$arch bin/agents; done

$(HTMX): internal/web/package.json internal/web/package-lock.json
	cd internal/web && npm ci --omit=dev --no-audit --no-fund --loglevel=error && npm run --silent build
	touch $@

$(UPLOT): $(HTMX)
	cd internal/web && npm run --silent build

demo: ## the whole story; DEMO=exit ends by itself
	scripts/needs demo
	$(MAKE) --no-print-directory build
	$(GO) build -o bin/fettle-demo ./demo
	DEMO=$(DEMO) scripts/as-root bin/fettle-demo

test: ## the gate: everything that must hold
	scripts/needs test
	$(MAKE) --no-print-directory build check unit browser

check: ## format, vet, staticcheck, cross-builds
	test -z "$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go') | tee /dev/stderr)"
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	for os in windows darwin; do GOOS=$$os CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/fettle-agent; done

unit: ## all Go tests with the race detector: unit, behaviour on both stores, end to end on a real root; the stories wait more than they work, so all else runs beside them
	$(GO) build $(RACE) ./...
	$(MAKE) --no-print-directory worlds # with both processors to themselves: their time is a figure
	$(MAKE) --no-print-directory -j2 stories rest

stories: ## end to end on real machines
	$(GO) test $(RACE) -timeout 60m ./e2e

rest: ## all other Go tests
	FETTLE_KILLS=9 FETTLE_LOSSES=6 $(GO) test $(RACE) -timeout 30m $$($(GO) list ./... | grep -v '/e2e$$')
	$(GO) test -timeout 30m -run HarmIsStopped ./internal/story
	$(MAKE) --no-print-directory kills

worlds: ## the real appliance and agents in simulated worlds, those that failed once first; SEEDS=n of DAYS=n each, and FETTLE_SIM_SEED=n for one of them
	FETTLE_SIM_SEEDS=$(SEEDS) FETTLE_SIM_DAYS=$(DAYS) GOGC=1200 $(GO) test -count=1 -v -timeout 30m -run 'FleetInAnyWorld|ComesBackEvenly' ./internal/simfleet

kills: ## a real apt and a real rpm transaction, killed at KILLS of its system calls (all: every one), losing power at LOSSES flushes, its disk full, and healed; FETTLE_KILLS_SEED=n for the same ones again
	FETTLE_KILLS=$(KILLS) FETTLE_LOSSES=$(LOSSES) $(GO) test -count=1 -v -timeout 150m -run 'KilledAtEverySystemCall|PowerLoss|FullDiskOfARealMachine' ./internal/agent ./internal/agent/host

browser: ## the console in a real Chromium, and what else its tools can judge
	cd internal/web && npm ci --no-audit --no-fund --loglevel=error
	FETTLE_BROWSER=1 $(GO) test -count=1 -timeout 30m -run 'Browser|PowerShellParses' ./internal/web ./internal/installer

pictures: $(HTMX) $(UPLOT) ## docs/pictures: the console as README.md and docs show it
	cd internal/web && npm ci --no-audit --no-fund --loglevel=error
	FETTLE_BROWSER=1 FETTLE_PICTURES=$(CURDIR)/docs/pictures FETTLE_SHOTS_ONLY=1 $(GO) test -count=1 -run Browser ./internal/web

bench: build ## speed, memory and sizes beside their peers, as ratios in one run; FLEET=100000 for a large fleet, ONLY=fleet for that part alone
	scripts/needs bench
	cd internal/web && npm ci --no-audit --no-fund --loglevel=error
	$(GO) run ./bench -fleet $(FLEET) -only "$(ONLY)"

torture: build ## long proofs: kills, fuzzing, thousands of worlds
	scripts/needs test
	FETTLE_TORTURE=1 $(GO) test -count=1 -timeout 80m ./...
	$(MAKE) --no-print-directory kills KILLS=all LOSSES=all
	scripts/fuzz 60s

sabotage: ## removes each control on purpose; its test must go red: ONLY=part of a name, file or package, LOG=file to go on with a stopped run
	$(GO) run ./sabotage $(if $(LOG),-log $(LOG)) $(ONLY)

clean:
	rm -rf bin .demo internal/web/node_modules $(HTMX) $(UPLOT)
