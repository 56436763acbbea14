# One command does it all: `make check` is what CI runs.
TOOL = go tool -modfile=tools/go.mod

.PHONY: check test lint race long browser fuzz bench gallery update build

check: test lint race long browser

# What the README says, and nothing else.
test:
	go test ./...

lint:
	go mod tidy -diff
	go -C tools mod tidy -diff
	go -C tools/browser mod tidy -diff
	@files=$$(git ls-files '*.go' | xargs $(TOOL) gofumpt -l) || exit 1; \
	if [ -n "$$files" ]; then echo "gofumpt would change:"; echo "$$files"; exit 1; fi
	go vet ./...
	$(TOOL) staticcheck ./...

# Where goroutines are: parallel loading, ranking, and many runs. An engine is one. go-graphviz is left out; its
# calls are serialised and its WebAssembly is not instrumented.
race:
	go test -race -short ./catalog/... ./graph ./propagate/ensemble ./propagate/replay ./propagate/study

# The cases that chance decides, in as many runs as their answers were found with.
# KNOCKON_LONG=1 go test ./propagate/event compares the engines too, which takes minutes,
# and KNOCKON_LONG=1 go test ./cmd/internal/cli -run Incidents -timeout 1h replays the long
# incidents; with -update it writes their tables.
long:
	go test ./propagate ./propagate/ensemble ./propagate/replay -run Long

# The pictures in a real browser: every label within its box, none on another. Not
# cached, because the test cache does not see the binary that is built for it.
browser:
	go -C tools/browser test -count=1 ./...

# Every fuzz target for a short while; seeds run with the ordinary tests.
FUZZTIME = 10s
fuzz:
	@git grep -l '^func Fuzz' -- '*_test.go' | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' "$$file" | while read -r target; do \
			echo "$$file $$target"; \
			go test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) || exit 1; \
		done || exit 1; \
	done

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Rewrite golden files and generated pages; look at the difference before you commit it.
update:
	go test ./catalog ./catalog/importers ./graph ./propagate ./propagate/scenario ./propagate/closedform ./out -update
	go test ./cmd/internal/cli -update

# The pictures that README and docs show; a test fails when they are stale.
gallery:
	KNOCKON_LONG=1 go test ./cmd/internal/cli -run 'Gallery|Scenario' -update

# Binaries that are the same wherever they are built.
build:
	@for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
		os=$${target%/*}; arch=$${target#*/}; ext=; [ $$os = windows ] && ext=.exe; \
		echo "dist/knockon-$$os-$$arch$$ext"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -buildvcs=false \
			-ldflags '-s -w -buildid=' -o dist/knockon-$$os-$$arch$$ext ./cmd/knockon || exit 1; \
	done
