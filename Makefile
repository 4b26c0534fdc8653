# Every target makes what it needs first: the environment .venv comes from the hash-pinned locks in requirements/, through
# pip, so that an index or a mirror named in the machine's own pip configuration is the one that is used.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
PY  := $(BIN)/python
PIP := $(PY) -m pip -qq --disable-pip-version-check --no-input
LOCKED := $(PIP) install --require-hashes --no-compile

# The first Python that is new enough and can make environments; `make PYTHON=… demo` names another.
PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

N ?= 100
ROUNDS ?= 5
SECONDS ?= 10
REPLICAS ?= 1
AUDITED ?= 50000,1000000
LEAVES ?= 10000,100000,1000000,10000000

# The packages of the second implementation; where they cannot be installed its tests are skipped, with the reason.
SECOND := tests/interop/js/node_modules/.package-lock.json

# Byte code is kept: the demonstration and many tests start some hundred processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- for everybody

.PHONY: demo
demo: .venv/.runtime  ## the four-country scenario on the embedded exchange, step by step; needs Python 3.11 or newer
	$(BIN)/comity demo

.PHONY: up
up: .venv/.runtime  ## the exchange as separate services on RabbitMQ and PostgreSQL under var/up, until Ctrl-C; REPLICAS=2 WITNESSES=2
	@exec $(PY) -m deploy.local.up --replicas $(REPLICAS) $(if $(WITNESSES),--witnesses $(WITNESSES))

.PHONY: pdf
pdf: .venv/.runtime  ## what `comity print -o FILE.pdf` needs: WeasyPrint, and Debian's Pango and fonts where it may
	$(LOCKED) -r requirements/pdf.txt
	$(PY) -m deploy.local.printing

.PHONY: test
test: .venv/.dev .venv/.fuzz .venv/.hostile $(SECOND) var/strangers/.ready  ## everything, on a private RabbitMQ and PostgreSQL that are started and stopped again
	$(PY) -m deploy.local
	$(PY) -m tests $(if $(BUT),--but $(BUT))

# ---------------------------------------------------------------- for those who change it

.PHONY: check
check: .venv/.dev  ## format, lint, types, import contracts, unit tests; a minute or two, no network
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n 2 tests/unit

.PHONY: canaries
canaries: .venv/.dev  ## plaintexts in N letters, looked for wherever the exchange writes, embedded and as services
	$(PY) -m deploy.local
	$(PY) -m tests.canaries --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: faults
faults: .venv/.dev  ## N faults under load on real servers, each one judged; SEED repeats a campaign
	$(PY) -m deploy.local
	$(PY) -m tests.outages --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: bus-tamper
bus-tamper: .venv/.dev  ## N frames of an adversary who has the broker: none is accepted; SEED repeats a run
	$(PY) -m deploy.local
	$(PY) -m tests.tamper --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: dishonest-operator
dishonest-operator: N := 2000
dishonest-operator: .venv/.dev  ## N lies of an operator who has everything, and who sees each of them, and when; SEED repeats
	$(PY) -m tests.dishonest --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: interop
interop: N := 2000
interop: .venv/.dev $(SECOND) var/strangers/.ready  ## strangers' software and a second implementation against ours, N changed envelopes; SEED repeats
	$(PY) -m deploy.local
	$(PY) -m tests.interop --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: strangers
strangers: .venv/.dev var/strangers/.ready  ## a ledger that ours made before other people's verifiers, and N changed ones; SEED repeats
	$(PY) -m tests.interop.judged_by_strangers --n $(N) $(if $(SEED),--seed $(SEED))

# Their metadata asks for a newer Python than they need. Where they cannot be installed, their tests are skipped.
var/strangers/.ready: tests/interop/foreign/requirements.txt
	@rm -rf var/strangers && mkdir -p var/strangers
	@if { $(PYTHON) -m venv var/strangers && var/strangers/bin/python -m pip -qq --disable-pip-version-check --no-input \
		install --require-hashes --no-compile --ignore-requires-python -r $<; } >var/strangers/why-not 2>&1; \
		then touch $@; else cat var/strangers/why-not; echo "aics-tlog, aics-witness and pymerkle are left out"; fi

.PHONY: vectors
vectors: .venv/.dev  ## golden attacks, Project Wycheproof and RFC 6962's roots, each judged; no network
	$(PY) -m tests.vectors.play

.PHONY: authz
authz: N := 1000
authz: .venv/.dev  ## every address, role and relation of the table of rights against a real exchange; the times of N refusals each
	$(PY) -m tests.authz --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: fuzz
fuzz: .venv/.fuzz  ## atheris over every reader of hostile bytes, SECONDS divided between them; SEED repeats a run
	$(PY) -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: legal-year
legal-year: N := 10000
legal-year: .venv/.dev  ## A year of N dossiers on a clock that is set: each clock event where the law puts it, and audited; SEED repeats
	$(PY) -m tests.legal_year --n $(N) $(if $(SEED),--seed $(SEED))

.PHONY: hostile
hostile: N := 20
hostile: .venv/.hostile  ## schemathesis with N examples an operation, wrong calls, attacks of SECONDS each; SEED repeats
	$(PY) -m tests.hostile --n $(N) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: bench
bench: bench-pipeline bench-memory bench-ledger bench-audit bench-search  ## every benchmark, each with its peers

.PHONY: bench-pipeline
bench-pipeline: .venv/.dev bench-peers  ## the pipeline against a bare chain, FastStream, AS2 and a bare API: ROUNDS= SECONDS= SEED=
	$(PY) -m bench pipeline --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: bench-memory
bench-memory: .venv/.dev  ## the memory of each process of a saturated exchange: SECONDS=600 for the figure
	$(PY) -m bench memory --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

.PHONY: bench-ledger
bench-ledger: .venv/.dev var/bench/pymerkle/.ready  ## the ledger against pymerkle at the sizes LEAVES=10000,…; ROUNDS= SEED=
	$(PY) -m bench ledger --rounds $(ROUNDS) --leaves $(LEAVES) $(if $(SEED),--seed $(SEED)) $(if $(KEPT),--kept $(KEPT))

KEPT ?=
.PHONY: ledgers
ledgers: .venv/.dev var/bench/pymerkle/.ready  ## grows ledgers of LEAVES=10000,… in KEPT=, where bench-ledger KEPT= finds them; goes on where it was stopped
	$(PY) -m bench grow --leaves $(LEAVES) --kept $(or $(KEPT),var/ledgers)

.PHONY: bench-search
bench-search: DOSSIERS := 10000
bench-search: .venv/.dev  ## comity search in a register of DOSSIERS, against SQLite FTS5 and grep over the same texts in clear: ROUNDS= SEED=
	$(PY) -m bench search --rounds $(ROUNDS) --dossiers $(DOSSIERS) $(if $(SEED),--seed $(SEED))

.PHONY: bench-audit
bench-audit: .venv/.dev  ## comity audit verify of ledgers of AUDITED= leaves, against one core's limit in signatures: ROUNDS= SEED=
	$(PY) -m bench audit --rounds $(ROUNDS) --leaves $(AUDITED) $(if $(SEED),--seed $(SEED)) $(if $(KEPT),--kept $(KEPT))

# A peer that cannot be installed is left out, with its reason in the table.
PEERS := faststream as2
.PHONY: bench-peers
bench-peers: $(PEERS:%=var/bench/%/.ready)

var/bench/%/.ready: bench/peers/%/requirements.txt
	@rm -rf var/bench/$* && mkdir -p var/bench/$*
	@if { $(PYTHON) -m venv var/bench/$* && var/bench/$*/bin/python -m pip -qq --disable-pip-version-check --no-input \
		install --require-hashes --no-compile -r $< && \
		{ [ ! -e bench/peers/$*/fit.py ] || var/bench/$*/bin/python bench/peers/$*/fit.py; }; } >var/bench/$*/why-not 2>&1; \
		then touch $@; else cat var/bench/$*/why-not; echo "$* is left out"; fi

$(SECOND): .venv/.dev tests/interop/js/package-lock.json
	@$(PY) -m tests.interop.install
	@[ ! -e $@ ] || touch $@

.PHONY: manifests
manifests: var/manifests/.ready  ## the image, compose file and Kubernetes manifests against other people's tools and schemas
	$(MANIFESTS)/hadolint deploy/Dockerfile
	COMITY_PUBLIC_URL=https://exchange.example $(MANIFESTS)/docker-compose --file deploy/compose.yaml config --quiet
	$(MANIFESTS)/docker-compose --file deploy/witness.yaml config --quiet
	@command -v kubectl >/dev/null || { echo "kubectl is needed to render the manifests; install it from your cluster's vendor"; exit 1; }
	@for overlay in production trial witness; do echo "deploy/kubernetes/$$overlay"; \
		kubectl kustomize deploy/kubernetes/$$overlay >var/manifests/$$overlay.yaml || exit 1; \
		$(MANIFESTS)/kubernetes-validate --strict --quiet var/manifests/$$overlay.yaml || exit 1; done

# Apart from the environment of the project: a quarter of a gigabyte, mostly schemas.
MANIFESTS := var/manifests/venv/bin
var/manifests/.ready: .venv/.python requirements/manifests.txt
	rm -rf var/manifests && mkdir -p var/manifests
	$(PY) -m venv var/manifests/venv
	$(MANIFESTS)/python -m pip -qq --disable-pip-version-check --no-input install --require-hashes --no-compile -r requirements/manifests.txt
	@touch $@

.PHONY: docs
docs: .venv/.dev  ## the pages that are made from code
	$(PY) -m docs.make_states
	$(PY) -m docs.make_openapi
	$(PY) -m docs.make_problems
	$(PY) -m docs.make_catalogues
	$(PY) -m docs.make_rights
	$(PY) -m docs.make_alerts
	$(PY) -m docs.make_attacks
	$(PY) -m tests.dishonest.page

.PHONY: pictures
pictures: .venv/.dev pdf  ## the printed letters that docs/guide shows, drawn anew; looked at, then committed
	$(PY) -m docs.make_pictures

.PHONY: locks
locks: .venv/.dev  ## remake requirements/*.txt with the newest versions allowed
	cd requirements && for lock in runtime:../pyproject.toml build:build.in telemetry:telemetry.in pkcs11:pkcs11.in stamps:stamps.in pdf:pdf.in dev:dev.in fuzz:fuzz.in hostile:hostile.in manifests:manifests.in; do \
		../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-header --system-certs $${lock#*:} --output-file $${lock%%:*}.txt || exit 1; done

.PHONY: clean
clean:  ## remove the environment and everything that was made
	rm -rf .venv var dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the environment

.venv/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with its venv module is needed;" \
		"on Debian or Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.runtime: .venv/.python requirements/runtime.txt requirements/build.txt pyproject.toml
	$(LOCKED) -r requirements/runtime.txt -r requirements/build.txt
	$(PIP) install --no-build-isolation --no-deps --no-index --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	$(LOCKED) -r requirements/dev.txt
	@touch $@

# Where atheris has no wheel for this Python or platform, its runs are left out and everything else goes on.
.venv/.fuzz: .venv/.dev requirements/fuzz.txt
	@$(LOCKED) -r requirements/fuzz.txt 2>.venv/fuzz-why-not || { cat .venv/fuzz-why-not; echo "fuzzing is left out"; }
	@touch $@

# The same for schemathesis: without it the OpenAPI document is not played against the exchange, and the rest is.
.venv/.hostile: .venv/.dev requirements/hostile.txt
	@$(LOCKED) -r requirements/hostile.txt 2>.venv/hostile-why-not || \
		{ cat .venv/hostile-why-not; echo "schemathesis is left out"; }
	@touch $@
