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

# libstdc++ is there from the start because AddressSanitizer looks for the functions that throw only then.
$(eval $(call test,functions/samples,functions/test/samples_test.c functions/test/host.c,-Wl$(comma)--no-as-needed \
    -lstdc++))
$(B)/test/functions/samples: | functions
