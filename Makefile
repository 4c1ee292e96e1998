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
PREFIX  ?= /usr/local
DESTDIR ?=

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
OPT      ?= -O2 -g
CFLAGS   ?=
LDFLAGS  ?=
CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE
NW_CFLAGS   = -std=gnu11 $(OPT) $(WARNINGS) -fvisibility=hidden -fPIE -pthread $(SANITIZE) $(CFLAGS)
NW_CXXFLAGS = -std=c++17 $(OPT) -Wall -Wextra -Werror -fPIE -pthread $(SANITIZE) $(CXXFLAGS)
NW_LDFLAGS  = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE) $(LDFLAGS)

say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2))

PROGRAMS :=
TESTS    :=
BENCHES  :=

# objects: the object files of C and assembly sources
objects = $(patsubst %.c,$(B)/obj/%.o,$(filter %.c,$(1))) $(patsubst %.S,$(B)/obj/%.o,$(filter %.S,$(1))) \
          $(patsubst %.cc,$(B)/obj/%.o,$(filter %.cc,$(1)))

# $(call program,NAME,SOURCES,LIBS): build/bin/NAME
define program
PROGRAMS += $(B)/bin/$(1)
$(B)/bin/$(1): $(call objects,$(2)) $(4) | $(B)/bin/
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(NW_LDFLAGS) -o $$@ $(call objects,$(2)) $(4) $(3)
endef

# $(call test,PATH/NAME,SOURCES,LIBS): build/test/PATH/NAME, a cmocka program that `make check` runs
define test
TESTS += $(B)/test/$(1)
$(B)/test/$(1): $(call objects,$(2)) $(4) | $(B)/test/$(dir $(1))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(NW_LDFLAGS) -o $$@ $(call objects,$(2)) $(4) $(3) -lcmocka
endef

include common/part.mk protect/part.mk worker/part.mk launcher/part.mk engine/part.mk deploy/part.mk \
        functions/part.mk bench/part.mk

.PHONY: all help deps demo check bench install asan clean format tests
all: $(PROGRAMS) functions ## build everything into build/ (the default)

$(B)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(NW_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.S
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(NW_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.cc
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(NW_CXXFLAGS) -MMD -MP -c -o $@ $<

%/:
	@mkdir -p $@

help: ## show the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean: ## remove build/
	$(Q)rm -rf $(B)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
