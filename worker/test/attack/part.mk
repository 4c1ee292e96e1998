# The attacks: hostile functions, and the test that runs them. Forbidden and bad functions are one source each, built
# once per thing that is wrong with them.
$(eval $(call test,worker/attacks,$(wildcard worker/test/attack/attack_*.c worker/test/attack/driver/*.c) \
    worker/test/harness.c common/test/attack/attack_report.c,,$(PROTECT) $(COMMON)))
NO_ASAN += worker/attacks
SLOW_TESTS += $(B)/test/worker/attacks

ATTACK_FORBIDDEN := wrpkru wrpkru_aligned wrpkru_inside wrpkru_seam_1 wrpkru_seam_2 wrpkru_first wrpkru_last xrstor \
                    xrstor64 wrfsbase wrgsbase wrgsbase_prefixes
ATTACK_BAD       := constructor ifunc huge textrel wx stack
ATTACK_ACTS      := memory flow operations kernel races storm greed hoard lengthy state transient turns signals \
                    fresh
ATTACK_LIMITED   := $(B)/test/worker/attack/limited.so
ATTACK_SOS       := $(patsubst %,$(B)/test/worker/attack/%.so,secret bare jumps $(ATTACK_ACTS) \
                      $(addprefix forbidden-,$(ATTACK_FORBIDDEN)) $(addprefix bad-,$(ATTACK_BAD))) $(ATTACK_LIMITED)
ATTACK_BUILD      = $(Q)$(CC) -std=gnu11 -O1 -g $(WARNINGS) -I. -Iinclude -D_GNU_SOURCE -fPIC -mno-red-zone -mfsgsbase \
                      -pthread -shared -Wl,-z,defs,-z,noexecstack \
                      -MMD -MP -MF $(B)/obj/worker-attack-$(basename $(@F)).d -MT $@ -o $@

$(B)/test/worker/attacks: | $(ATTACK_SOS) functions
$(B)/test/worker/holds: | $(ATTACK_SOS)
# Written for the last source of several alone, the files of dependencies do not name the table of operations.
$(ATTACK_SOS): $(FLAGS) worker/base/ops.h | $(B)/test/worker/attack/ $(B)/obj/

$(B)/test/worker/attack/bad-textrel.so: ATTACK_FLAGS := -Wl,-z,notext
$(B)/test/worker/attack/bad-wx.so: ATTACK_FLAGS := -Wl,--no-warn-rwx-segments
$(B)/test/worker/attack/bad-stack.so: ATTACK_FLAGS := -Wl,-z,execstack
$(B)/test/worker/attack/bad-huge.so: ATTACK_FLAGS := -mcmodel=large

$(B)/test/worker/attack/secret.so $(B)/test/worker/attack/bare.so: $(B)/test/worker/attack/%.so: worker/test/attack/%.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $<
$(B)/test/worker/attack/jumps.so: worker/test/attack/jumps.c worker/test/attack/attack.c worker/test/attack/jump.S
	$(call say,SO,$@)
	$(ATTACK_BUILD) $(filter %.c %.S,$^)
$(addprefix $(B)/test/worker/attack/,$(ATTACK_ACTS:=.so)): $(B)/test/worker/attack/%.so: worker/test/attack/acts/%.c \
                                                          worker/test/attack/attack.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $(filter %.c %.S,$^)
$(ATTACK_LIMITED): worker/test/attack/acts/operations.c worker/test/attack/attack.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $(filter %.c,$^)
$(B)/test/worker/attack/forbidden-%.so: worker/test/attack/refused/forbidden.S worker/test/attack/refused/forbidden.c \
                                      worker/test/attack/attack.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) -nostartfiles -DFORBIDDEN_$* $(filter %/forbidden.S %/forbidden.c %/attack.c,$^)
$(B)/test/worker/attack/bad-%.so: worker/test/attack/refused/bad.c worker/test/attack/bare.c
	$(call say,SO,$@)
	$(ATTACK_BUILD) $(ATTACK_FLAGS) -DBAD_$* $(filter %.c,$^)
