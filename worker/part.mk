# nightward-worker: the monitor, linked statically so that its own text holds few instructions that matter, and the stub
# that runs inside domains, which it carries along. Without stack protector: parts of it run on a domain's FS base.
WORKER_SOURCES := $(addprefix worker/,audit.c audit_host.c audit_print.c blocked.c burial.c bytes.c carry.c closing.c code.c cut.c \
                    denied.c disk.c dispatch.c domain.c executor.c extra.c fd_name.c file_maps.c files.c filter.c \
                    frame.c free.c function.c grants.c image.c image_elf.c invoke.c keys.c libc_files.c lines.c load.c \
                    locks.c main.c memory.c op.c opened.c pages.c path.c payload.c place.c policy.c policy_rules.c \
                    ranges.c refusal.c region.c remap.c remote.c report.c room.c schedule.c share.c shortage.c \
                    signal_deliver.c signal_frame.c signal_post.c signal_timer.c slot.c syscall.c syscall_change.c \
                    syscall_copy.c syscall_cwd.c syscall_event.c syscall_file.c syscall_flow.c syscall_lock.c \
                    syscall_long.c syscall_name.c syscall_path.c syscall_poll.c syscall_signal.c syscall_socket.c \
                    syscall_timer.c teardown.c trap.c watches.c where.c \
                    stub_image.S) protect/gate.S
WORKER_OBJECTS := $(call objects,$(WORKER_SOURCES))
STUB           := $(B)/obj/worker/stub/nightward-stub

# Nothing that runs with the monitor's rights jumps to where a predictor says: a function may have taught it. Calls through
# pointers go by a RET that nobody can teach, and no SWITCH becomes a table of jumps.
takes      = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(1)')
NO_GUESSES := -fno-jump-tables $(or $(call takes,-mindirect-branch=thunk -mindirect-branch-register -fcf-protection=none),-mretpoline) \
              $(call takes,-mharden-sls=all)
NO_GUESSES_IN := $(filter $(B)/obj/%.o,$(call objects,$(filter %.c,$(WORKER_SOURCES) $(PROTECT_SOURCES) $(COMMON_SOURCES))))
$(NO_GUESSES_IN): EXTRA_CFLAGS += $(NO_GUESSES)
BYTES_CFLAGS := -fno-builtin $(call takes,-fno-tree-loop-distribute-patterns)
$(B)/obj/worker/bytes.o: EXTRA_CFLAGS += $(BYTES_CFLAGS)

PROGRAMS += $(B)/bin/nightward-worker
$(B)/bin/nightward-worker: EXTRA_CFLAGS := -fno-stack-protector
$(B)/bin/nightward-worker: $(WORKER_OBJECTS) $(PROTECT) $(COMMON) | $(B)/bin/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_STATIC_LDFLAGS) -o $@ $^

$(B)/obj/worker/stub_image.o: EXTRA_CFLAGS := -DNW_STUB_FILE='"$(STUB)"'
$(B)/obj/worker/stub_image.o: $(STUB)
$(B)/obj/worker/stub/stub.o: EXTRA_CFLAGS := -mno-red-zone
# libnwguard is part of the stub: its functions come before those of libc, as if it were preloaded.
$(STUB): $(B)/obj/worker/stub/stub.o $(B)/obj/worker/stub/popen.o $(call pic_objects,$(NWGUARD_SOURCES)) worker/stub/stub.map
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -Wl,--export-dynamic,--version-script=worker/stub/stub.map -o $@ $(filter %.o,$^)

# what a function may call, written from the policy
POLICY_DOC := $(call objects,worker/policy_doc.c worker/policy_rules.c)
$(B)/obj/worker/policy-doc: $(POLICY_DOC) $(call objects,worker/policy_doc_main.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^
docs/syscalls.md: $(B)/obj/worker/policy-doc ## write the table of system calls from the policy
	$(Q)$< > $@.new && mv $@.new $@

include worker/test/part.mk
