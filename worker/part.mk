# nightward-worker: the monitor, linked statically so that its own text holds few instructions that matter, and the stub
# that runs inside domains, which it carries along. Without stack protector: parts of it run on a domain's FS base.
# Its layers, the lowest first.
WORKER_LAYERS  := base turn account lines image audit files range memory domain path reach tick executor life snapshot wire call signal watch run policy \
    syscall syscall/file gate
WORKER_SOURCES := $(filter-out worker/policy/doc% worker/audit/check_main.c,$(wildcard $(WORKER_LAYERS:%=worker/%/*.c))) \
    worker/main.c worker/stub_image.S \
                  protect/gate/gate.S
WORKER_OBJECTS := $(call objects,$(WORKER_SOURCES))
STUB           := $(B)/obj/worker/stub/nightward-stub

# Nothing that runs with the monitor's rights jumps to where a predictor says: a function may have taught it. Calls
# through pointers go by a RET that nobody can teach, and no SWITCH becomes a table of jumps.
takes      = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(1)')
NO_GUESSES := -fno-jump-tables $(or $(call takes,-mindirect-branch=thunk -mindirect-branch-register \
    -fcf-protection=none),-mretpoline) \
              $(call takes,-mharden-sls=all)
NO_GUESSES_IN := $(filter $(B)/obj/%.o,$(call objects,$(filter %.c,$(WORKER_SOURCES) $(PROTECT_SOURCES) \
    $(COMMON_SOURCES))))
$(NO_GUESSES_IN): EXTRA_CFLAGS += $(NO_GUESSES)
BYTES_CFLAGS := -fno-builtin $(call takes,-fno-tree-loop-distribute-patterns)
$(B)/obj/worker/base/bytes.o: EXTRA_CFLAGS += $(BYTES_CFLAGS)

# Links $@ so that living code holds no instruction by chance that the audit would refuse.
CHECK_CODE  := $(B)/obj/worker/check-code
LINK_WORKER  = worker/audit/link.sh $(CHECK_CODE) $@ $(CC) -- $(NW_STATIC_LDFLAGS)
$(CHECK_CODE): $(call objects,worker/audit/check_main.c worker/audit/code.c) $(PROTECT)
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

PROGRAMS += $(B)/bin/nightward-worker
$(B)/bin/nightward-worker: EXTRA_CFLAGS := -fno-stack-protector
$(B)/bin/nightward-worker: $(WORKER_OBJECTS) $(PROTECT) $(COMMON) worker/audit/link.sh $(CHECK_CODE) | $(B)/bin/
	$(call say,LD,$@)
	$(Q)$(LINK_WORKER) $(filter %.o %.a,$^)

$(B)/obj/worker/stub_image.o: EXTRA_CFLAGS := -DNW_STUB_FILE='"$(STUB)"'
$(B)/obj/worker/stub_image.o: $(STUB)
$(B)/obj/worker/stub/stub.o $(B)/obj/worker/stub/exchange.o: EXTRA_CFLAGS := -mno-red-zone
# libnwguard is part of the stub: its functions come before those of libc, as if it were preloaded.
# Few mappings, since each is made at the start of a domain and changed when it gets another key: headers, constants and
# code in one, all that can be written in another.
$(STUB): $(B)/obj/worker/stub/stub.o $(B)/obj/worker/stub/popen.o $(B)/obj/worker/stub/exchange.o \
    $(B)/obj/worker/stub/gate.o \
    $(call objects,common/http/record.c) $(call pic_objects,$(NWGUARD_SOURCES)) \
    worker/stub/stub.map
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -Wl,-z,noseparate-code,-z,norelro,--export-dynamic,--version-script=worker/stub/stub.map \
	    -o $@ $(filter %.o,$^)

# what a function may call, written from the policy
POLICY_DOC := $(call objects,worker/policy/doc.c worker/policy/rules.c)
$(B)/obj/worker/policy-doc: $(POLICY_DOC) $(call objects,worker/policy/doc_main.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^
docs/reference/syscalls.md: $(B)/obj/worker/policy-doc ## write the table of system calls from the policy
	$(Q)$< > $@.new && mv $@.new $@

include worker/test/part.mk
