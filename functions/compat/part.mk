# The functions that docs/reference/compatibility.md tells of, one for each library: NAME.c, .cc, .rs or .go in one of
# the folders here becomes build/compat/NAME.so where what it needs is installed. All are tried by compat.bats, which
# skips what was not built.

COMPAT := $(B)/compat

COMPAT_MODULES := sqlite3 libcurl hiredis libuv libevent openblas tbb jemalloc libpcre2-8 icu-i18n libxml-2.0 \
    python3-embed
COMPAT_HERE    := $(shell for module in $(COMPAT_MODULES); do pkg-config --exists $$module 2>/dev/null && echo \
    $$module; done)
COMPAT_HERE    += $(shell rustc --version >/dev/null 2>&1 && echo rustc; go version >/dev/null 2>&1 && echo go) \
                  $(notdir $(wildcard /usr/include/asio.hpp /usr/lib/llvm-14/lib/libomp.so))
COMPAT_SOS     := $(COMPAT)/libgomp.so # gcc brings it

# $(call compat,NAME,WHAT IT NEEDS): NAME.so, when COMPAT_HERE has that
compat = $(if $(filter $(2),$(COMPAT_HERE)),$(eval COMPAT_SOS += $(COMPAT)/$(1).so))

# $(call compat_module,NAME,MODULE OF PKG-CONFIG)
define compat_module
$(call compat,$(1),$(2))
$(COMPAT)/$(1).so: COMPAT_FLAGS = $$(shell pkg-config --cflags --libs $(2))
endef

$(eval $(call compat_module,sqlite,sqlite3))
$(eval $(call compat_module,curl,libcurl))
$(eval $(call compat_module,hiredis,hiredis))
$(eval $(call compat_module,libuv,libuv))
$(eval $(call compat_module,libevent,libevent))
$(eval $(call compat_module,openblas,openblas))
$(eval $(call compat_module,tbb,tbb))
$(eval $(call compat_module,jemalloc,jemalloc))
$(eval $(call compat_module,pcre2,libpcre2-8))
$(eval $(call compat_module,icu,icu-i18n))
$(eval $(call compat_module,libxml2,libxml-2.0))
$(eval $(call compat_module,python,python3-embed))
$(call compat,asio,asio.hpp)
$(call compat,libomp,libomp.so)
$(call compat,rust,rustc)
$(call compat,go,go)

.PHONY: compat
compat: $(COMPAT_SOS)

$(COMPAT_SOS): functions/compat/part.mk $(FLAGS) | $(COMPAT)/ $(B)/obj/functions/

$(COMPAT)/compat.o: functions/compat/compat.c functions/compat/compat.h include/faas/worker_v1_interface.h $(FLAGS) \
    | $(COMPAT)/
	$(call say,CC,$<)
	$(Q)$(CC) $(filter-out -MMD -MP,$(FUNCTION_CFLAGS)) -c -o $@ $<

# $(call compat_folder,FOLDER): what is made of the C and C++ files in it
define compat_folder
$(COMPAT)/%.so: functions/compat/$(1)/%.c $(COMPAT)/compat.o functions/compat/compat.h
	$$(call say,SO,$$@)
	$$(Q)$$(CC) $$(filter-out -MMD -MP,$$(FUNCTION_CFLAGS)) -I. $$(FUNCTION_LDFLAGS) -o $$@ $$< $(COMPAT)/compat.o \
	    $$(COMPAT_FLAGS)

$(COMPAT)/%.so: functions/compat/$(1)/%.cc $(COMPAT)/compat.o functions/compat/compat.h
	$$(call say,SO,$$@)
	$$(Q)$$(CXX) $$(filter-out -MMD -MP,$$(FUNCTION_CXXFLAGS)) -I. $$(FUNCTION_LDFLAGS) -o $$@ $$< \
	    $(COMPAT)/compat.o $$(COMPAT_FLAGS)
endef
$(foreach folder,network data compute language,$(eval $(call compat_folder,$(folder))))

# Two libraries serve what gcc makes of OpenMP: its own, and that of clang.
$(COMPAT)/libgomp.so: COMPAT_OPENMP := -fopenmp
$(COMPAT)/libomp.so: COMPAT_OPENMP := /usr/lib/llvm-14/lib/libomp.so
$(COMPAT)/libgomp.so $(COMPAT)/libomp.so: $(COMPAT)/openmp.o $(COMPAT)/compat.o
	$(call say,SO,$@)
	$(Q)gcc $(FUNCTION_LDFLAGS) -o $@ $(COMPAT)/openmp.o $(COMPAT)/compat.o $(COMPAT_OPENMP)

$(COMPAT)/openmp.o: functions/compat/compute/openmp.c functions/compat/compat.h | $(COMPAT)/
	$(call say,CC,$<)
	$(Q)gcc $(filter-out -MMD -MP,$(FUNCTION_CFLAGS)) -I. -fopenmp -c -o $@ $<

$(COMPAT)/rust.so: functions/compat/language/rust.rs
	$(call say,RUST,$@)
	$(Q)MAKEFLAGS= rustc --edition 2021 --crate-type cdylib -O -o $@ $<

$(COMPAT)/go.so: functions/compat/language/go.go include/faas/worker_v1_interface.h
	$(call say,GO,$@)
	$(Q)CGO_CFLAGS=-I$(abspath include) GOCACHE=$(abspath $(COMPAT)/go) GOFLAGS= go build -buildmode=c-shared -o $@ $<
	$(Q)rm -f $(@:.so=.h)

check-compat: deps ## try the libraries and clients of docs/reference/compatibility.md, all of them
	$(Q)deploy/deps.sh deploy/packages-compat.txt
	$(again) run-compat

COMPAT_TEST := functions/compat/compat.bats
.PHONY: check-compat run-compat
run-compat: all compat test-helpers $(B)/test/mode-usable
	$(Q)common/test/run.sh $(B) -- $(COMPAT_TEST)

# The last test compares with the table; it is the one without a colon in its name.
docs/reference/compatibility.md: FORCE ## write the table of libraries and clients from what trying them says
	$(again) all compat test-helpers $(B)/test/mode-usable
	$(Q)for mode in mpk process none; do NW_BUILD=$(abspath $(B)) NW_TEST_MODE=$$mode bats -f ': ' $(COMPAT_TEST) || \
	    exit; done
	$(Q)functions/compat/table.sh $(COMPAT)/results >$@.new && mv $@.new $@

.PHONY: FORCE
FORCE:
