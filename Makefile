# Nightward: one Makefile. Each part lists what it builds in its part.mk; everything goes to build/.
#
#   make            build everything                make demo    start it, deploy the samples, show what it does
#   make help       all targets                     make check   run every test
#
# V=1 shows the commands. CC=clang builds with clang. B=DIR builds elsewhere.

.DEFAULT_GOAL := all
SHELL   := /bin/bash
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)
B       ?= build
FLAGS   := $(B)/flags
PREFIX  ?= /usr/local
DESTDIR ?=

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OPT      ?= -O2 -g
CFLAGS   ?=
LDFLAGS  ?=
CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE $(CHECKS)
NW_CFLAGS   = -std=gnu11 $(OPT) $(WARNINGS) -fvisibility=hidden -fPIE -pthread $(SANITIZE) $(CFLAGS)
NW_CXXFLAGS = -std=c++17 $(OPT) -Wall -Wextra -Werror -fPIE -pthread $(SANITIZE) $(CXXFLAGS)
NW_LDFLAGS  = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE) $(LDFLAGS)
# For a program that needs no ld.so.
NW_STATIC_LDFLAGS = $(patsubst -pie,-static-pie,$(NW_LDFLAGS))

say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))

PROGRAMS :=
TESTS    :=
BENCHES  :=
NO_ASAN  :=
TEST_HELPERS :=
IO_TESTS :=
THREAD_TESTS :=
SLOW_TESTS :=
WAITING_TESTS :=
FUZZERS  :=

# objects: the object files of C and assembly sources
objects = $(patsubst %.c,$(B)/obj/%.o,$(filter %.c,$(1))) $(patsubst %.S,$(B)/obj/%.o,$(filter %.S,$(1))) \
          $(patsubst %.cc,$(B)/obj/%.o,$(filter %.cc,$(1)))

# $(call program,NAME,SOURCES,LIBS,OBJECTS): build/bin/NAME; OBJECTS are ready-made objects or archives
define program
PROGRAMS += $(B)/bin/$(1)
$(B)/bin/$(1): $(call objects,$(2)) $(4) | $(B)/bin/
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(NW_LDFLAGS) -o $$@ $(call objects,$(2)) $(4) $(3)
endef

# $(call test,PATH/NAME,SOURCES,LIBS,OBJECTS): build/test/PATH/NAME, a cmocka program that `make check` runs. Names in
# NO_ASAN (patterns) are not run by `make asan`; programs that tests start go to TEST_HELPERS; names in IO_TESTS run
# once with each event loop; those in WAITING_TESTS wait most of the time.
define test
TESTS += $(B)/test/$(1)
$(B)/test/$(1): $(call objects,$(2)) $(4) | $(B)/test/$(dir $(1))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(NW_LDFLAGS) -o $$@ $(call objects,$(2)) $(4) $(3) -lcmocka
endef

# $(call fuzz,PART,NAME,SOURCES,LIBS,OBJECTS): the fuzz target PART/fuzz/NAME_fuzz.c with SOURCES, as common/test/fuzz.h
# tells: a test that replays its corpus and, in the build of fuzz-smoke, a program of libFuzzer
define fuzz
$(call test,$(1)/fuzz/$(2),$(1)/fuzz/$(2)_fuzz.c common/test/fuzz_replay.c $(3),$(4),$(5))
FUZZERS += $(B)/fuzz/$(1)/$(2)
$(B)/fuzz/$(1)/$(2): $(call objects,$(1)/fuzz/$(2)_fuzz.c $(3)) $(5) | $(B)/fuzz/$(1)/
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(NW_LDFLAGS) -fsanitize=fuzzer -o $$@ $(call objects,$(1)/fuzz/$(2)_fuzz.c $(3)) $(5) $(4)
endef

include common/part.mk protect/part.mk worker/part.mk launcher/part.mk engine/part.mk engine/test/e2e/part.mk \
        deploy/part.mk deploy/callscan/part.mk functions/part.mk functions/compat/part.mk bench/part.mk

# What is compiled depends on this file, which is written anew when compiler or flags are not those that it holds. What
# is installed is what was built, whatever flags that was with.
BUILT_WITH := $(CC) $(CXX) $(CPPFLAGS) $(NW_CFLAGS) $(NW_CXXFLAGS) $(NW_LDFLAGS) $(NO_GUESSES)
ifeq ($(filter install uninstall,$(MAKECMDGOALS)),)
ifneq ($(file <$(FLAGS)),$(BUILT_WITH))
.PHONY: $(FLAGS)
endif
endif
$(FLAGS): | $(B)/
	@printf '%s\n' '$(subst ','\'',$(BUILT_WITH))' >$@

.PHONY: all help deps demo check check-attacks check-preemptions bench bench-count install uninstall debug asan clean format lint \
    tests run-tests run-asan fuzz-smoke run-fuzz chaos cancellation
all: $(PROGRAMS) functions ## build everything into build/ (the default)

tests: $(TESTS) $(TEST_HELPERS) ## build the test programs

# What calls deps builds in a second make: packages may bring headers that the first one did not see.
again = +$(Q)$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

deps: ## install the Debian packages that are missing (with sudo when not root)
	$(Q)deploy/deps.sh

demo: deps ## start it, deploy the samples, show what it does
	$(again) all
	$(Q)NW_BUILD=$(abspath $(B)) deploy/demo.sh

check: deps ## run every test
	$(again) run-tests

BATS_TESTS := $(wildcard $(patsubst %,%/test/*.bats,bench common worker deploy engine) engine/test/e2e/*.bats)
# The layers test looks at the objects of all programs, also of those that no other test runs.
run-tests: all tests sanitized compat $(B)/bench/count $(BENCHES) $(B)/test/mode-usable \
           $(B)/obj/common/resources-doc $(B)/obj/worker/policy-doc $(B)/obj/engine/metrics-doc
	$(Q)NW_IO_TESTS='$(IO_TESTS)' NW_THREAD_TESTS='$(THREAD_TESTS)' NW_SLOW_TESTS='$(SLOW_TESTS)' \
	    NW_WAITING_TESTS='$(WAITING_TESTS)' NW_SANITIZED=$(abspath $(SANITIZED_FOLDER)) \
	    common/test/run.sh $(B) $(TESTS) bench/count.sh -- $(BATS_TESTS) $(COMPAT_TEST)

check-attacks: deps ## run the attacks on a worker and show what became of each
	$(again) run-attacks

.PHONY: run-attacks
run-attacks: all $(B)/test/worker/attacks $(B)/test/engine/attacks
	$(Q)NW_SLOW_TESTS='$(SLOW_TESTS)' common/test/run.sh $(B) $(B)/test/worker/attacks $(B)/test/engine/attacks; \
	    status=$$?; common/test/attack/attacks.sh $(B)/attacks.txt $(B)/attacks-engine.txt; exit $$status

PREEMPTIONS ?= 10000000
check-preemptions: deps ## registers over PREEMPTIONS (10,000,000) preemptions: half an hour and more
	$(again) all $(B)/test/worker/preempt
	$(Q)NW_BUILD=$(abspath $(B)) NW_ONLY='registers*' NW_PREEMPTIONS=$(PREEMPTIONS) $(B)/test/worker/preempt

bench: deps ## run the benchmarks
	$(again) all $(BENCHES)
	$(Q)NW_BUILD=$(abspath $(B)) bench/run.sh

bench-count: deps ## count instructions and system calls, compare with bench/count/counts.json
	$(again) all $(B)/bench/count $(BENCH_FUNCTIONS) $(B)/test/mode-usable
	$(Q)NW_BUILD=$(abspath $(B)) bench/count.sh

# A build that checks its structures at each move (common/base/valid.h).
CHECKED = CHECKS=-DNW_DEBUG
debug: deps ## build with checks at each move and run the unit tests (in build-debug/)
	$(again) B=$(B)-debug $(CHECKED) run-debug

.PHONY: run-debug
run-debug: all tests
	$(Q)NW_IO_TESTS='$(IO_TESTS)' NW_THREAD_TESTS='$(THREAD_TESTS)' NW_SLOW_TESTS='$(SLOW_TESTS)' common/test/run.sh \
	    $(B) $(TESTS)

# The shared run-time of gcc's UBSan heeds no log_path.
STATIC_SANITIZERS = $(if $(findstring clang,$(shell $(CC) --version)),,-static-libasan -static-libubsan)
SANITIZED = $(CHECKED) OPT='-O1 -g1 -fno-omit-frame-pointer' \
    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined $(STATIC_SANITIZERS)'
asan: deps ## run the unit tests under AddressSanitizer and UBSan (in build-asan/)
	$(again) B=$(B)-asan $(SANITIZED) run-asan

# The programs that end-to-end tests run against once more, beside a worker that is never sanitized: the system calls
# of sanitizers are none that a worker may make.
SANITIZED_FOLDER   := $(B)/test/sanitized
SANITIZED_PROGRAMS := $(addprefix $(B)-asan/bin/,nightward nightward-engine nightward-launcher)
.PHONY: sanitized
sanitized: $(B)/bin/nightward-worker $(ENGINE_TEST_HOST)/nightward-worker | $(SANITIZED_FOLDER)/host/
	+$(Q)$(MAKE) --no-print-directory B=$(B)-asan $(SANITIZED) $(SANITIZED_PROGRAMS)
	$(Q)cp -u $(SANITIZED_PROGRAMS) $(B)/bin/nightward-worker $(SANITIZED_FOLDER)
	$(Q)cp -u $(SANITIZED_PROGRAMS) $(ENGINE_TEST_HOST)/nightward-worker $(SANITIZED_FOLDER)/host

# Left out are programs that switch stacks or rights below a sanitizer's feet, or bring a sanitizer of their own.
# ASAN_HOSTS=0 leaves out the tests against a whole host, too: `make check` runs those with sanitized programs anyway.
ASAN_HOSTS ?= 1
HOST_TESTS := $(filter-out %/io,$(IO_TESTS))
ASAN_TESTS := $(filter-out $(addprefix $(B)/test/,$(NO_ASAN)) $(if $(filter 0,$(ASAN_HOSTS)),$(HOST_TESTS)),$(TESTS))
run-asan: $(ASAN_TESTS) $(B)/test/io-usable
	@echo 'left out: $(patsubst $(B)/test/%,%,$(filter-out $(ASAN_TESTS),$(TESTS)))'
	$(Q)NW_IO_TESTS='$(IO_TESTS)' common/test/run.sh $(B) $(ASAN_TESTS)

CHAOS_SECONDS ?= 600
chaos: deps ## the chaos test of `make check` for CHAOS_SECONDS (600)
	$(again) all tests
	$(Q)CHAOS_SECONDS=$(CHAOS_SECONDS) common/test/run.sh $(B) -- engine/test/chaos.bats

CANCEL_SECONDS ?= 60
cancellation: deps ## the test of clients that go away at random points, for CANCEL_SECONDS (60) in each mode
	$(again) all tests
	$(Q)CANCEL_SECONDS=$(CANCEL_SECONDS) common/test/run.sh $(B) -- engine/test/cancel.bats

# FUZZ=PATTERN chooses targets, like engine/%.
FUZZ ?= %
fuzz-smoke: deps ## run each fuzz target for FUZZ_SECONDS (60) under both sanitizers (in build-fuzz/)
	$(Q)deploy/deps.sh deploy/packages-fuzz.txt
	$(again) B=$(B)-fuzz CC=clang-14 $(CHECKED) OPT='-O1 -g -fno-omit-frame-pointer' \
	    SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' run-fuzz

run-fuzz: $(filter $(addprefix $(B)/fuzz/,$(FUZZ)),$(FUZZERS))
	$(Q)common/test/fuzz.sh $(B) $^

LIBEXEC := $(DESTDIR)$(PREFIX)/libexec/nightward
INCLUDE := $(DESTDIR)$(PREFIX)/include
install: all ## install under PREFIX (/usr/local), below DESTDIR if given
	$(Q)install -D -t $(DESTDIR)$(PREFIX)/bin $(B)/bin/nightward
	$(Q)install -D -t $(LIBEXEC) $(filter-out $(B)/bin/nightward,$(PROGRAMS))
	$(Q)install -D -m 644 -t $(INCLUDE)/faas include/faas/*.h
	$(Q)$(if $(wildcard include/nightward/*.h),install -D -m 644 -t $(INCLUDE)/nightward include/nightward/*.h*)

# What `make install` would put below PREFIX goes, and folders of our own that are empty then. What is deployed stays.
uninstall: ## remove what install installed (same PREFIX and DESTDIR)
	$(Q)stage=$$(mktemp -d) && trap 'rm -rf "$$stage"' EXIT && \
	    $(MAKE) --no-print-directory install DESTDIR="$$stage" >/dev/null && cd "$$stage" && \
	    find . ! -type d -exec sh -c 'for file; do rm -f "$(DESTDIR)/$$file"; done' sh {} + && \
	    find . -depth -type d \( -path '*/nightward' -o -path '*/faas' \) \
	        -exec sh -c 'for dir; do rmdir "$(DESTDIR)/$$dir" 2>/dev/null || true; done' sh {} +

lint: ## check the C sources with clang-format and clang-tidy
	$(Q)deploy/deps.sh deploy/packages-lint.txt
	$(Q)deploy/deps.sh deploy/packages-callscan.txt
	$(Q)common/test/lint.sh -std=gnu11 $(CPPFLAGS) $(LLHTTP_FLAGS) -isystem /usr/lib/llvm-14/include $(WARNINGS)

format: ## format the C sources with clang-format
	$(Q)git ls-files '*.c' '*.h' '*.cc' | xargs clang-format-14 -i

$(B)/obj/%.o: %.c $(FLAGS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(NW_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.S $(FLAGS)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(NW_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.cc $(FLAGS)
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(NW_CXXFLAGS) -MMD -MP -c -o $@ $<

%/:
	@mkdir -p $@

help: ## show the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean: ## remove build/ and the builds beside it
	$(Q)rm -rf $(B) $(B)-debug $(B)-asan $(B)-fuzz

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
