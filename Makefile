# make help lists what there is. Everything is built into ./bin.

SHELL         := /bin/sh
GO            ?= go
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT        ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE          ?= $(shell git log -1 --format=%cI 2>/dev/null)
GOLANGCI_LINT := v2.15.0
FUZZTIME      ?= 5s
REPORT        ?= report
SIM_SEEDS     ?= 100000
SIM_FROM      ?= 1
SIM_TIME      ?= 0
SOAK          ?= 10m
STRESS        ?= 10
FEED          ?= 5m
BASELINE      ?= .ci/bench-baseline.json
PACKAGES      ?= ./...

# The race detector needs a C compiler; the tests themselves do not.
RACE := $(shell command -v cc >/dev/null 2>&1 && echo -race)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build ./bin/postrider
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)' -o bin/ ./cmd/postrider

.PHONY: run
run: build ## Build and start a development node with a sample receiver and sample events
	@exec ./bin/postrider serve --dev --sample

.PHONY: test
test: needs ## Install what the tests need where it is missing, then run every test
	$(GO) test $(RACE) -timeout 30m ./...

.PHONY: stress
stress: needs ## Every package STRESS (10) times beside a busy loop for each core; PACKAGES names fewer
	@GO="$(GO)" ./.ci/stress $(STRESS) $(PACKAGES)

.PHONY: needs
needs:
	@./.ci/needs

.PHONY: lint
lint: bin/golangci-lint-$(GOLANGCI_LINT) ## Check formatting, the arrows between folders, and common mistakes
	./bin/golangci-lint-$(GOLANGCI_LINT) run ./...

bin/golangci-lint-$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	mv bin/golangci-lint $@

.PHONY: bench
bench: build ## Measure signing and delivery on this machine; figures and plots go to ./report
	./bin/postrider bench signing
	./bin/postrider bench delivery --report $(REPORT)

# What bench-check compares: suites whose ratios carry from one hour to another.
BENCH_CHECK := bench all --suites limit,delivery,signing --rounds 3 --scheme http,https --sync 2m

.PHONY: bench-all
bench-all: build ## Measure everything, three rounds (an hour or more); one page and report.json go to ./report
	./bin/postrider bench all --report $(REPORT)

.PHONY: bench-check
bench-check: build ## Measure (12 minutes) and compare the ratios with BASELINE (.ci/bench-baseline.json): fails where one got worse
	@test -f $(BASELINE) || { echo "there is no $(BASELINE): make bench-baseline writes it, on a quiet machine, from a version you trust" >&2; exit 2; }
	./bin/postrider $(BENCH_CHECK) --report $(REPORT)/check
	./bin/postrider bench compare $(BASELINE) $(REPORT)/check/report.json

.PHONY: bench-baseline
bench-baseline: build ## Measure what bench-check compares with, and store it as BASELINE
	./bin/postrider $(BENCH_CHECK) --report $(REPORT)/baseline
	cp $(REPORT)/baseline/report.json $(BASELINE)

.PHONY: soak
soak: needs ## Random faults of every part for SOAK (10m): nothing lost, nothing grows; SOAK_SEED repeats one
	SOAK=$(SOAK) $(GO) test -count=1 -v -timeout 0 -run '^TestSoak$$' ./cmd/postrider

.PHONY: sim-soak
sim-soak: ## Simulate SIM_SEEDS (100000) seeds from SIM_FROM (1) on, for SIM_TIME at most; see docs/reliability.md
	$(GO) test ./actors/sim -count=1 -v -timeout 0 -run '^TestInvariantsHold$$' -seeds=$(SIM_SEEDS) -from=$(SIM_FROM) -for=$(SIM_TIME)

.PHONY: fuzz
fuzz: ## Fuzz every parser of outside bytes, FUZZTIME (5s) each
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

.PHONY: page
page: ## Write anew what is embedded of the web page (transport/web/dist)
	$(GO) test ./transport/web -run TestDistIsMadeFromSource -update

.PHONY: screenshots
screenshots: needs ## Look at every page in a browser, and write pictures of those that README and docs/page.md show
	mkdir -p report/page docs/images
	$(GO) test ./cmd/postrider -count=1 -run TestPageIsAccessible -screenshots $(CURDIR)/report/page
	cp report/page/delivery.png report/page/overview.png report/page/webhook-add.png report/page/customer.png docs/images/

.PHONY: page-figures
page-figures: needs ## Measure the page in a browser with 10,000 endpoints, a million deliveries and a feed of FEED (5m); 2 GB of disk. PAGE_FIGURES_OF=feed: the feed alone
	PAGE_FIGURES=$(FEED) $(GO) test -count=1 -v -timeout 0 -run '^TestPageFigures$$' ./cmd/postrider

.PHONY: docs
docs: ## Write anew what of docs/ is made: settings, event types, AsyncAPI, recipes
	$(GO) test ./config -run TestSettingsTable -update
	$(GO) test ./transport/payload/catalogue -run TestDocs -update
	$(GO) test ./transport/payload -run TestTheRecipesDocument -update

.PHONY: clean
clean: ## Remove what was built and measured; data folders stay
	rm -rf bin $(REPORT)
