# The sample functions: functions/NAME/NAME.c or .cc with its function.json becomes build/functions/NAME/, a folder that
# `nightward deploy` takes. They see the public header and nothing else of the tree.

SAMPLES := hello echo foo bar chain cpp digest fault noop callbench web notes

comma := ,

FUNCTION_CFLAGS   = -std=gnu11 $(OPT) $(WARNINGS) -fPIC -pthread -Iinclude -D_GNU_SOURCE -MMD -MP
FUNCTION_CXXFLAGS = -std=c++17 $(OPT) -Wall -Wextra -Werror -fPIC -pthread -Iinclude -MMD -MP
FUNCTION_LDFLAGS  = -shared -pthread -Wl,-z,defs -Wl,-z,relro,-z,now,-z,noexecstack

$(B)/functions/digest/digest.so: FUNCTION_LIBS := -lcrypto

.PHONY: functions
functions: $(foreach name,$(SAMPLES),$(B)/functions/$(name)/$(name).so $(B)/functions/$(name)/function.json)

# The pattern rules need a directory per function, which a pattern cannot order: mkdir -p does it.
define sample
$(B)/functions/$(1)/$(1).so: $(wildcard functions/$(1)/$(1).c functions/$(1)/$(1).cc) $(FLAGS)
	$$(call say,SO,$$@)
	@mkdir -p $$(@D) $(B)/obj/functions
	$$(Q)$$(if $$(filter %.cc,$$<),$$(CXX) $$(FUNCTION_CXXFLAGS),$$(CC) $$(FUNCTION_CFLAGS)) $$(FUNCTION_LDFLAGS) \
	    -MF $(B)/obj/functions/$(1).d -MT $$@ -o $$@ $$< $$(FUNCTION_LIBS)

$(B)/functions/$(1)/function.json: functions/$(1)/function.json
	@mkdir -p $$(@D)
	$$(Q)cp $$< $$@
endef

$(foreach name,$(SAMPLES),$(eval $(call sample,$(name))))

# The social network, functions/social/NAME/ becomes build/functions/social/NAME/.
SOCIAL     := compose text id urls mentions posts user_timeline home_timeline graph
SOCIAL_LIB := functions/social/lib
SOCIAL_STORES := urls posts user_timeline home_timeline graph # those that keep something

functions: $(foreach name,$(SOCIAL),$(B)/functions/social/$(name)/$(name).so $(B)/functions/social/$(name)/function.json)

# $(call social,NAME)
define social
$(B)/functions/social/$(1)/$(1).so: $(wildcard functions/social/$(1)/$(1).c functions/social/$(1)/$(1).cc) \
        $(if $(filter $(1),$(SOCIAL_STORES)),$(SOCIAL_LIB)/memory.cc) \
        $(wildcard $(SOCIAL_LIB)/*.h $(SOCIAL_LIB)/*.hpp include/nightward/function.h*) $(FLAGS)
	$$(call say,SO,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(if $$(filter %.cc,$$<),$$(CXX) $$(filter-out -MMD -MP,$$(FUNCTION_CXXFLAGS)),$$(CC) $$(filter-out -MMD \
	    -MP,$$(FUNCTION_CFLAGS))) $$(FUNCTION_LDFLAGS) -o $$@ $$(filter %.c %.cc,$$^) -lcjson

$(B)/functions/social/$(1)/function.json: functions/social/$(1)/function.json
	@mkdir -p $$(@D)
	$$(Q)cp $$< $$@
endef

$(foreach name,$(SOCIAL),$(eval $(call social,$(name))))

# What clang makes of them, for the test that callscan finds who calls whom.
ifneq ($(shell command -v clang-14),)
SOCIAL_BITCODE := $(SOCIAL:%=$(B)/obj/functions/social/%.bc)
TEST_HELPERS   += $(SOCIAL_BITCODE)

$(SOCIAL_BITCODE): $(B)/obj/functions/social/%.bc: $(B)/functions/social/%/function.json \
        $(wildcard functions/social/*/*) $(wildcard include/*/*) | $(B)/obj/functions/social/
	$(call say,BC,$@)
	$(Q)$(if $(wildcard functions/social/$*/$*.cc),clang++-14 -std=c++17,clang-14 -std=gnu11) -O2 -g -D_GNU_SOURCE \
	    -Iinclude -c -emit-llvm -o $@ $(wildcard functions/social/$*/$*.c functions/social/$*/$*.cc)
endif

# libstdc++ is there from the start because AddressSanitizer looks for the functions that throw only then.
$(eval $(call test,functions/samples,functions/test/samples_test.c functions/test/host.c,-Wl$(comma)--no-as-needed \
    -lstdc++))
$(B)/test/functions/samples: | functions
