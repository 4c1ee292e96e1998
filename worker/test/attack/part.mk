# The attacks: hostile functions, and the test that runs them. Forbidden and bad functions are one source each, built
# once per thing that is wrong with them.
$(eval $(call test,worker/attacks,$(addprefix worker/test/,attack_test.c attack_damage.c attack_hoard.c attack_host.c attack_jumps.c attack_shares.c attack_table.c attack_transient.c attack_turns.c harness.c) common/test/attack_report.c,,$(PROTECT) $(COMMON)))
NO_ASAN += worker/attacks
SLOW_TESTS += $(B)/test/worker/attacks

ATTACK_FORBIDDEN := wrpkru wrpkru_aligned wrpkru_inside wrpkru_seam_1 wrpkru_seam_2 wrpkru_first wrpkru_last xrstor \
                    xrstor64 wrfsbase wrgsbase wrgsbase_prefixes
ATTACK_BAD       := constructor ifunc huge textrel wx stack
ATTACK_SOS       := $(patsubst %,$(B)/test/worker/attack/%.so,secret bare jumps memory flow operations kernel races storm greed hoard lengthy state transient turns signals \
                      $(addprefix forbidden-,$(ATTACK_FORBIDDEN)) $(addprefix bad-,$(ATTACK_BAD)))
ATTACK_BUILD      = $(Q)$(CC) -std=gnu11 -O1 -g $(WARNINGS) -I. -Iinclude -D_GNU_SOURCE -fPIC -mno-red-zone -mfsgsbase \
                      -pthread -shared -Wl,-z,defs,-z,noexecstack -MMD -MP -MF $(B)/obj/worker-attack-$*.d -MT $@ -o $@

$(B)/test/worker/attacks: | $(ATTACK_SOS) functions
$(B)/test/worker/holds: | $(ATTACK_SOS)
$(ATTACK_SOS): $(FLAGS) | $(B)/test/worker/attack/ $(B)/obj/

$(B)/test/worker/attack/jumps.so: worker/test/attack/jump.S
$(B)/test/worker/attack/bad-textrel.so: ATTACK_FLAGS := -Wl,-z,notext
$(B)/test/worker/attack/bad-wx.so: ATTACK_FLAGS := -Wl,--no-warn-rwx-segments
$(B)/test/worker/attack/bad-stack.so: ATTACK_FLAGS := -Wl,-z,execstack
$(B)/test/worker/attack/bad-huge.so: ATTACK_FLAGS := -mcmodel=large

$(B)/test/worker/attack/secret.so $(B)/test/worker/attack/bare.so: $(B)/test/worker/attack/%.so: worker/test/attack/%.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $<
$(addprefix $(B)/test/worker/attack/,jumps.so memory.so flow.so operations.so kernel.so races.so storm.so greed.so hoard.so lengthy.so state.so transient.so turns.so signals.so): \
$(B)/test/worker/attack/%.so: worker/test/attack/%.c worker/test/attack/attack.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $(filter %.c %.S,$^)
$(B)/test/worker/attack/forbidden-%.so: worker/test/attack/forbidden.S worker/test/attack/forbidden.c \
                                      worker/test/attack/attack.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) -nostartfiles -DFORBIDDEN_$* $(filter %/forbidden.S %/forbidden.c %/attack.c,$^)
$(B)/test/worker/attack/bad-%.so: worker/test/attack/bad.c worker/test/attack/bare.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $(ATTACK_FLAGS) -DBAD_$* $(filter %.c,$^)
