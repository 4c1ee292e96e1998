# nightward-callscan, the only program that links LLVM. Its layers, the lowest first.
LLVM_CONFIG      := $(shell command -v llvm-config-14)
CALLSCAN_LAYERS  := ir known flow find scan show
CALLSCAN_SOURCES := $(wildcard $(CALLSCAN_LAYERS:%=deploy/callscan/%/*.c))
CALLSCAN_FINDS   := $(wildcard $(patsubst %,deploy/callscan/%/*.c,ir known flow find))

ifneq ($(LLVM_CONFIG),)
LLVM_CFLAGS := -isystem $(shell $(LLVM_CONFIG) --includedir)
LLVM_LIBS   := -L$(shell $(LLVM_CONFIG) --libdir) -lLLVM-14

# -fPIC: the objects are parts of the plugin, too.
$(B)/obj/deploy/callscan/%.o: EXTRA_CFLAGS += $(LLVM_CFLAGS) -fPIC
$(B)/obj/deploy/callscan/pass/plugin.o: CXXFLAGS += $(LLVM_CFLAGS) -fPIC -fvisibility=hidden

$(eval $(call program,nightward-callscan,deploy/callscan/main.c $(CALLSCAN_SOURCES) $(wildcard deploy/base/*.c) \
    deploy/file/file.c,$(LLVM_LIBS) -lcjson -lelf,$(COMMON)))

# The same analysis as a pass of clang and opt, which bring LLVM's library themselves.
CALLSITES_SO := $(B)/bin/nightward-callsites.so
PROGRAMS     += $(CALLSITES_SO)
$(CALLSITES_SO): $(call objects,$(CALLSCAN_FINDS) $(wildcard deploy/callscan/pass/*.c deploy/callscan/pass/*.cc)) $(COMMON) | $(B)/bin/
	$(call say,LD,$@)
	$(Q)$(CXX) -shared -Wl,-z,relro,-z,now,-z,noexecstack,--exclude-libs,ALL $(SANITIZE) $(LDFLAGS) -o $@ $^ $(LLVM_LIBS) -lelf
else
.PHONY: without-llvm
all: without-llvm
without-llvm:
	@echo 'nightward callscan is not built: there is no llvm-config-14 (make deps-callscan installs it)'
endif

# The programs whose call sites are known, at each level of optimisation, for the test of the analysis.
ifneq ($(and $(LLVM_CONFIG),$(shell command -v clang-14)),)
CALLSCAN_PROGRAMS := $(wildcard deploy/callscan/test/programs/*.c deploy/callscan/test/programs/*.cc)
CALLSCAN_LEVELS   := O0 O1 O2 O3 opaque
CALLSCAN_BITCODE  := $(B)/obj/callscan

# $(call callscan_program,SOURCE,LEVEL)
define callscan_program
CALLSCAN_MODULES += $(CALLSCAN_BITCODE)/$(basename $(notdir $(1))).$(2).bc
$(CALLSCAN_BITCODE)/$(basename $(notdir $(1))).$(2).bc: $(1) deploy/callscan/test/programs/program.h \
    include/faas/worker_v1_interface.h | $(CALLSCAN_BITCODE)/
	$$(call say,BC,$$@)
	$$(Q)$(if $(filter %.cc,$(1)),clang++-14 -std=c++17,clang-14 -std=gnu11) -Wall -Wextra -g \
	    $(if $(filter opaque,$(2)),-O2 -Xclang -opaque-pointers,-$(2)) -D_GNU_SOURCE -Iinclude -c -emit-llvm -o $$@ $$<
endef
$(foreach source,$(CALLSCAN_PROGRAMS),$(foreach level,$(CALLSCAN_LEVELS),\
    $(eval $(call callscan_program,$(source),$(level)))))

$(eval $(call test,deploy/callscan,deploy/callscan/test/programs_test.c $(CALLSCAN_FINDS),$(LLVM_LIBS) -lelf,$(COMMON)))
$(B)/test/deploy/callscan: | $(CALLSCAN_MODULES)
# The sanitizers would watch LLVM's memory, too, and the programs be compiled once more.
NO_ASAN += deploy/callscan
endif

.PHONY: deps-callscan
deps-callscan: ## install the Debian packages that nightward callscan and its tests need
	$(Q)deploy/deps.sh deploy/packages-callscan.txt
