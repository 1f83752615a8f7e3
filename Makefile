SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables
FUZZTIME ?= 10s

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | column -t -s $$'\t'

.PHONY: test
test: ## run all tests; SLUICE_SLOW=1 runs the slow proofs, too, as CI does
	go test ./...

.PHONY: lint
lint: ## gofmt, vet and staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go tool staticcheck ./...

.PHONY: race
race: ## run the tests under the race detector
	go test -race -short ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@log=$$(mktemp); failed=0; \
	for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' "$$pkg" | { grep '^Fuzz' || true; }); do \
	    printf '%s %s\n' "$$pkg" "$$target"; \
	    if go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$pkg" >"$$log" 2>&1; then tail -1 "$$log"; \
	    elif grep -q 'context deadline exceeded' "$$log" && ! grep -q 'Failing input' "$$log"; then \
	      echo 'no finding; the time was up while an input was under way (a habit of go test)'; \
	    else cat "$$log"; failed=1; fi; \
	  done; \
	done; \
	rm -f "$$log"; exit $$failed

SOAK ?= 600
RAPID ?=
PKG ?= ./...
OVS ?=
.PHONY: soak
soak: ## run every property of every package, SOAK seconds in all; PKG=./dir RAPID=n repeats one round
	@set -- $$(go list -f '{{.Dir}} {{join .TestImports " "}} {{join .XTestImports " "}}' $(PKG) | awk '/pgregory.net\/rapid/ { print $$1 }'); \
	bin=$$(mktemp -d); trap 'rm -rf "$$bin"' EXIT; failed=0; share=$$(($(SOAK) / $$#)); \
	for dir; do \
	  props=$$(cat "$$dir"/*_test.go | awk '/^func / { name = $$2; sub(/\(.*/, "", name) } /rapid\.(Check|MakeCheck)\(|SLUICE_SOAK/ { print name }' | sort -u); \
	  if grep -qvE '^Test' <<<"$$props"; then run=.; else run="^($$(paste -sd'|' <<<"$$props"))\$$"; fi; \
	  go test -c -o "$$bin/t" "$$dir"; end=$$((SECONDS + share)); rounds=0; \
	  while [ $$rounds = 0 ] || [ $$SECONDS -lt $$end ] && [ -z "$(RAPID)" ]; do \
	    seed=$${RAPID:-$$((RANDOM << 30 | RANDOM << 15 | RANDOM | 1))}; rounds=$$((rounds + 1)); \
	    if ! (cd "$$dir" && SLUICE_SOAK=$$share "$$bin/t" -test.run "$$run" -test.timeout 0 -rapid.seed=$$seed -rapid.nofailfile) >"$$bin/log" 2>&1; then \
	      grep -v '\[rapid\] draw' "$$bin/log" | tail -60; failed=1; \
	      printf 'failed; again: make soak PKG=./%s RAPID=%s\n' "$${dir#$$PWD/}" $$seed; break; \
	    fi; \
	  done; \
	  printf '%-20s %4d rounds of %d properties, the last with seed %s\n' "$${dir#$$PWD/}" $$rounds $$(wc -l <<<"$$props") $$seed; \
	done; \
	exit $$failed

.PHONY: bench
bench: ## measure: the program's own figures and each room's benchmarks
	go run ./cmd/sluice bench all
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: gate
gate: ## fail when the datapath takes a hundredth more instructions than is kept
	go run ./internal/benchgate

.PHONY: figures
figures: ## keep today's instructions a packet for the gate
	go run ./internal/benchgate -write

.PHONY: bench-ovs
bench-ovs: ## measure beside Open vSwitch's tracker, built in the directory OVS
	go run ./internal/benchovs -ovs "$(OVS)"

N ?= 60
SEED ?= 0
IN ?= conntrack,datapath,flowtable,packet,policy,driver/sim
.PHONY: mutants
mutants: ## change N small things in IN, drawn by SEED, and fail when the tests miss more than one in ten
	go run ./internal/mutants -n $(N) -seed $(SEED) -in $(IN)

.PHONY: generate
generate: ## make the generated files anew
	go run ./internal/featuredoc

.PHONY: check-generated
check-generated: ## fail when a generated file is stale
	go run ./internal/featuredoc -check
