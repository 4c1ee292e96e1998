# What the end-to-end tests need besides the programs under test.

include engine/test/e2e/greedy/part.mk
TEST_HELPERS += $(addprefix $(B)/test/e2e/,load hold leave json chaos)

$(B)/test/e2e/load $(B)/test/e2e/hold $(B)/test/e2e/leave: $(B)/test/e2e/%: $(B)/obj/engine/test/e2e/tools/%.o $(call \
    objects,engine/test/e2e/tools/load_http.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

$(B)/test/e2e/json: $(call objects,engine/test/e2e/tools/json.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lcjson

$(B)/test/e2e/chaos: $(call objects,$(wildcard engine/test/e2e/chaos/*.c) engine/test/e2e/tools/load_http.c) \
        | $(ATTACK_SOS) $(GREEDY_SOS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $(filter %.o,$^) -lcjson

.PHONY: test-helpers
test-helpers: $(TEST_HELPERS)
