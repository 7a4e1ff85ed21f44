# Rapport. Two commands matter: `make demo` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
export CGO_ENABLED := 1

.PHONY: help
help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/rapport
	go build -trimpath -o bin/rapport ./cmd/rapport

.PHONY: demo
demo: build ## a shop with real retail data, decided upon and explained; prints where to look
	./bin/rapport demo

.PHONY: test
test: ## install what tests need, then run every check and test
	./scripts/setup.sh
	$(MAKE) --no-print-directory lint
	go test -timeout 40m $$(go list ./... | grep -v '/cmd/rapport$$')
	go test -timeout 40m ./cmd/rapport # by itself: it starts servers, databases and browsers, and looks at the clock

.PHONY: check
check: ## the inner loop: vet and the quick tests of what you are changing
	go vet ./...
	go test -timeout 5m -short . ./person/... ./charter/... ./trust/... ./know/... ./reach/... ./job/... ./web/...

.PHONY: lint
lint: ## formatting, vet, staticcheck, known vulnerabilities
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "run gofmt on: $$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	./scripts/vulnerabilities.sh $(GOVULNCHECK)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each (default 30s)
	./scripts/fuzz.sh $${FUZZTIME:-30s}

.PHONY: torture
torture: ## what make test only touches, in parts bounded in time, all of it most of a day; PARTS="soak races" for some of them
	./scripts/torture.sh $(PARTS)

.PHONY: bench
bench: build ## collect, decide, import and pages, beside the figures that were committed; not ledger (over nine minutes), identity, erase and grow
	@for b in collect decide import pages; do ./bin/rapport bench $$b --json $${BENCHFLAGS:-}; done >bin/figures.jsonl
	@./bin/rapport bench compare docs/figures.jsonl <bin/figures.jsonl

.PHONY: screenshots
screenshots: build ## take the pictures that README and docs show
	go test -count=1 -run TestScreenshots ./cmd/rapport -args -screenshots=$(CURDIR)/docs/pictures
