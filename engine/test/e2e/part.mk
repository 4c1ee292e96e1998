# What the end-to-end tests need besides the programs under test.

TEST_HELPERS += $(B)/test/e2e/load $(B)/test/e2e/json $(B)/test/e2e/chaos

$(B)/test/e2e/load: $(call objects,engine/test/e2e/load.c engine/test/e2e/load_http.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

$(B)/test/e2e/json: $(call objects,engine/test/e2e/json.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lcjson

$(B)/test/e2e/chaos: $(call objects,$(addprefix engine/test/e2e/,chaos.c chaos_act.c chaos_host.c load_http.c)) \
        | $(ATTACK_SOS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $(filter %.o,$^) -lcjson

.PHONY: test-helpers
test-helpers: $(TEST_HELPERS)
