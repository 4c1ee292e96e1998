# Functions that take more than their share, and one that lives beside them.
GREEDY_SOS   := $(patsubst %,$(B)/test/e2e/greedy/%.so,greedy slow neighbour)
GREEDY_BUILD  = $(Q)$(CC) -std=gnu11 -O1 -g $(WARNINGS) -I. -Iinclude -D_GNU_SOURCE -fPIC -mno-red-zone \
                  -pthread -shared \
                  -Wl,-z,defs,-z,noexecstack -MMD -MP -MF $(B)/obj/e2e-greedy-$*.d -MT $@ -o $@
TEST_HELPERS += $(GREEDY_SOS)

$(GREEDY_SOS): | $(B)/test/e2e/greedy/ $(B)/obj/
$(B)/test/e2e/greedy/greedy.so: $(addprefix engine/test/e2e/greedy/,mappings.c memory.c files.c threads.c)
$(B)/test/e2e/greedy/greedy.so $(B)/test/e2e/greedy/slow.so: worker/test/attack/attack.c
$(GREEDY_SOS): $(B)/test/e2e/greedy/%.so: engine/test/e2e/greedy/%.c $(FLAGS)
	$(call say,SO,$@)
	$(GREEDY_BUILD) $(filter %.c,$^)
