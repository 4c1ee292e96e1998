# the tests of what the worker is made of
$(eval $(call test,worker/region,worker/test/unit/region_test.c worker/range/region.c \
    worker/range/gap.c))
$(eval $(call test,worker/broken,worker/test/broken_test.c $(wildcard $(addprefix worker/,account/*.c files/*.c \
    range/*.c)) $(addprefix worker/,memory/file_maps.c base/fd_name.c base/now.c),,$(PROTECT) $(COMMON)))
$(eval $(call test,worker/broken_images,worker/test/broken_images_test.c worker/image/elf.c,,$(PROTECT) $(COMMON)))
$(eval $(call test,worker/broken_domains,worker/test/broken_domains_test.c $(addprefix worker/,domain/deployed.c \
    domain/domain.c domain/keys.c base/config.c account/share.c account/denied.c account/log_share.c),,$(PROTECT) $(COMMON)))
$(eval $(call test,worker/mappings,worker/test/unit/mappings_test.c $(addprefix worker/,memory/memory.c \
    memory/calls.c memory/remap.c memory/code.c memory/tag.c files/disk.c memory/file_maps.c base/fd_name.c range/pages.c \
    range/region.c range/gap.c account/denied.c account/share.c memory/shortage.c image/image.c image/elf.c image/programs.c \
    image/where.c image/kept.c image/library.c),,$(PROTECT) $(COMMON)))
$(eval $(call test,worker/share,worker/test/unit/share_test.c worker/account/share.c \
    worker/account/denied.c worker/account/demand.c,,$(COMMON)))
$(eval $(call test,worker/turn,worker/test/turns/turn_test.c $(wildcard worker/turn/*.c)))
$(eval $(call test,worker/turn_queue,worker/test/turns/queue_test.c worker/turn/queue.c))
$(eval $(call test,worker/ready,worker/test/turns/ready_test.c $(wildcard worker/turn/*.c) worker/domain/attended.c \
    $(addprefix worker/,executor/ready.c executor/sleep.c executor/wake.c base/config.c base/lock.c account/ticks.c)))
$(eval $(call test,worker/slice,worker/test/turns/slice_test.c $(wildcard worker/turn/*.c) \
    $(addprefix worker/,watch/slice.c base/config.c base/lock.c account/ticks.c)))
$(eval $(call test,worker/limit,worker/test/turns/limit_test.c worker/turn/limit.c))
$(eval $(call test,worker/dear,worker/test/turns/dear_test.c worker/turn/dear.c))
$(eval $(call test,worker/attended,worker/test/unit/attended_test.c worker/domain/attended.c))
$(eval $(call test,worker/rest,worker/test/unit/rest_test.c worker/watch/rest.c))
$(eval $(call test,worker/route,worker/test/unit/route_test.c worker/reach/route.c worker/domain/deployed.c,,$(COMMON)))
$(eval $(call test,worker/free,worker/test/unit/free_test.c worker/domain/free.c worker/base/config.c))
$(eval $(call test,worker/victim,worker/test/unit/victim_test.c worker/run/victim.c worker/domain/keys.c \
    worker/domain/free.c worker/base/config.c worker/account/share.c worker/account/denied.c worker/account/log_share.c,,$(PROTECT) $(COMMON)))
$(eval $(call test,worker/snapshots,worker/test/unit/snapshots_test.c worker/call/snapshots.c worker/base/config.c))
$(eval $(call test,worker/exchange,worker/test/stub/exchange_test.c common/http/record.c))
$(eval $(call test,worker/bytes,worker/test/unit/bytes_test.c worker/base/bytes.c))
# It reads 16 aligned bytes at a time, also beyond the end of a string, which no page fault can follow.
NO_ASAN += worker/bytes
$(B)/obj/worker/test/unit/bytes_test.o: EXTRA_CFLAGS += -fno-builtin
$(eval $(call test,worker/policy,worker/test/unit/policy_test.c worker/policy/doc.c worker/policy/rules.c))
$(eval $(call test,worker/ranges,worker/test/unit/ranges_test.c worker/files/ranges.c))
# $(call worker_test,NAME,FOLDER,MORE SOURCES): a test of a whole worker process, to which it talks as the engine does
# (harness.h)
define worker_test
NO_ASAN += worker/$(1)
$(call test,worker/$(1),worker/test/$(2)/$(1)_test.c $(addprefix worker/test/,$(3) harness.c),,$(COMMON))
endef

$(foreach name,guarded lines,$(eval $(call worker_test,$(name),live)))
$(foreach name,signals events,$(eval $(call worker_test,$(name),live,whole.c)))
$(eval $(call worker_test,worker,live,whole.c))
$(eval $(call worker_test,shared,turns,whole.c))
$(foreach name,preempt parts slow,$(eval $(call worker_test,$(name),turns)))
$(foreach name,snapshot kept fresh charged elsewhere,$(eval $(call worker_test,$(name),copies,whole.c)))
$(foreach name,late ends shortage refusal limits tunables,$(eval $(call worker_test,$(name),live,live/logged.c)))
$(foreach name,profiles locks disk stuck files numbers,$(eval $(call worker_test,$(name),calls,calls/probe_host.c)))
$(eval $(call worker_test,raw,gate,whole.c))
$(B)/test/worker/raw: | $(B)/test/worker/raw.so
$(B)/test/worker/profiles: | $(B)/test/worker/probe.so
$(B)/test/worker/numbers: | $(B)/test/worker/probe.so $(B)/test/worker/attack/memory.so
$(B)/test/worker/files: | $(B)/test/worker/filer.so $(B)/test/worker/nightward-worker-without
$(B)/test/worker/locks: | $(B)/test/worker/filer.so
$(B)/test/worker/stuck: | $(B)/test/worker/filer.so $(B)/test/worker/stuck.so
$(B)/test/worker/disk: | $(B)/test/worker/filer.so $(B)/test/worker/nightward-worker-without
$(eval $(call test,worker/image,worker/test/unit/image_test.c worker/image/image.c worker/image/elf.c,,$(PROTECT)))
$(eval $(call test,worker/image_frozen,worker/test/unit/image_frozen_test.c worker/image/image.c \
    worker/image/elf.c,,$(PROTECT)))
$(eval $(call test,worker/op_doc,worker/test/gate/op_doc_test.c))
$(eval $(call fuzz,worker,remote,worker/call/arrive.c worker/base/now.c $(addprefix worker/wire/,link.c payload.c receive.c send.c) \
    worker/base/lock.c,,$(COMMON)))
$(eval $(call fuzz,worker,image,worker/image/image.c worker/image/elf.c,,$(PROTECT)))
$(eval $(call fuzz,worker,snapshot,$(addprefix worker/,snapshot/picture.c snapshot/read.c range/region.c range/gap.c)))

# functions that only tests need
define test_so
$(B)/test/worker/%.so: worker/test/$(1)/functions/%.c include/faas/worker_v1_interface.h $(FLAGS) | $(B)/test/worker/
	$$(call say,SO,$$@)
	$$(Q)$(CC) -std=gnu11 $(OPT) $(WARNINGS) -I. -Iinclude -D_GNU_SOURCE -fPIC -shared -Wl,-z,defs \
	    $$(TEST_SO_FLAGS) -o $$@ $$(filter %.c %.a,$$^)
endef
$(foreach folder,live calls gate,$(eval $(call test_so,$(folder))))
$(B)/test/worker/shared: | $(B)/test/worker/relay.so
$(B)/test/worker/worker: | $(B)/test/worker/relay.so $(B)/test/worker/traces.so
$(B)/test/worker/signals: | $(B)/test/worker/signals.so
$(B)/test/worker/signals.so: TEST_SO_FLAGS := -Wl,--no-as-needed -lm
$(B)/test/worker/events: | $(B)/test/worker/events.so
$(B)/test/worker/preempt $(B)/test/worker/parts $(B)/test/worker/slow: | $(B)/test/worker/preempted.so
$(B)/test/worker/preempted.so: TEST_SO_FLAGS := -mno-red-zone
$(B)/test/worker/snapshot $(B)/test/worker/charged $(B)/test/worker/elsewhere: | $(B)/test/worker/keeper.so
$(B)/test/worker/fresh: | $(B)/test/worker/planter.so
$(B)/test/worker/lines: | $(B)/test/worker/talker.so
$(B)/test/worker/late: | $(B)/test/worker/late.so
$(B)/test/worker/ends: | $(B)/test/worker/ends.so
$(B)/test/worker/tunables: | $(B)/test/worker/fixed.so
$(B)/test/worker/refusal: | $(B)/test/worker/forker.so
$(B)/test/worker/limits $(B)/test/worker/shortage: | $(B)/test/worker/swollen.so
$(B)/test/worker/guarded: | $(B)/test/worker/guarded.so
# It claims to be libprotect.
$(B)/test/worker/guarded.so: TEST_SO_FLAGS := -Wl,-soname,libprotect.so.1
$(B)/test/worker/guarded.so: $(LIBPROTECT_A)

# the gate, stepped through and jumped into
$(eval $(call test,worker/step,worker/test/gate/step_test.c worker/test/gate/trace.c \
    worker/test/harness.c,,$(PROTECT) $(COMMON)))
$(eval $(call test,worker/jump,worker/test/gate/jump_test.c worker/test/gate/trace.c \
    worker/test/harness.c,,$(PROTECT) $(COMMON)))
NO_ASAN += worker/step worker/jump
$(B)/test/worker/step: | $(B)/test/worker/stepped.so functions
$(B)/test/worker/jump: | $(B)/test/worker/attack/secret.so functions
$(B)/test/worker/stepped.so $(B)/test/worker/raw.so $(B)/test/worker/planter.so: TEST_SO_FLAGS := -mno-red-zone
include worker/test/attack/part.mk

# The worker that measures how long its locks are held (holds.h). Never installed.
comma         := ,
HOLDS_PROGRAM := $(B)/test/worker/nightward-worker-holds
HOLDS_WRAPPED := nw__syscall_trapped nw__syscall_direct nw__slow_op nw__slow_wait nw__slow_call nw_executor_next \
                 nw_executor_block nw_executor_unblock nw_ring_poll nw_pages_reserve nw_deployed_inspect pthread_create
HOLDS_OBJECTS := $(patsubst $(B)/obj/%,$(B)/obj/holds/%,$(call objects,$(filter %.c,$(WORKER_SOURCES)) \
    worker/test/holds/holds.c))

$(B)/obj/holds/worker/base/bytes.o: EXTRA_CFLAGS := $(BYTES_CFLAGS)
$(B)/obj/holds/%.o: %.c $(FLAGS)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -include worker/test/holds/holds.h $(NW_CFLAGS) -fno-stack-protector $(EXTRA_CFLAGS) -MMD -MP \
	    -c -o $@ $<

$(HOLDS_PROGRAM): $(HOLDS_OBJECTS) $(call objects,$(filter %.S,$(WORKER_SOURCES))) $(PROTECT) $(COMMON) \
    worker/audit/link.sh $(CHECK_CODE) | $(B)/test/worker/
	$(call say,LD,$@)
	$(Q)$(LINK_WORKER) $(addprefix -Wl$(comma)--wrap=,$(HOLDS_WRAPPED)) $(filter %.o %.a,$^)

$(eval $(call test,worker/holds,worker/test/holds/holds_test.c worker/test/attack/attack_host.c \
    worker/test/harness.c common/test/attack/attack_report.c,,$(COMMON)))
NO_ASAN += worker/holds
SLOW_TESTS += $(B)/test/worker/holds
$(B)/test/worker/holds: | $(HOLDS_PROGRAM) $(B)/test/worker/keeper.so functions

# The worker that can leave defences out: the same sources, built to ask (protect/gate/without.h). Never installed.
WITHOUT_PROGRAM := $(B)/test/worker/nightward-worker-without
WITHOUT_SOURCES := $(filter-out %/stub_image.S,$(WORKER_SOURCES)) protect/check/function_check.c protect/scan/scan.c \
    worker/test/without.c
WITHOUT_OBJECTS := $(patsubst $(B)/obj/%,$(B)/obj/without/%,$(call objects,$(WITHOUT_SOURCES)))

$(B)/obj/without/worker/base/bytes.o: EXTRA_CFLAGS := $(BYTES_CFLAGS)
# Where domains' system calls are answered it jumps through pointers: what NW_DEFENCE_GUESSES is about.
$(B)/obj/without/worker/gate/syscall.o: NO_GUESSES :=
$(B)/obj/without/%.o: %.c $(FLAGS)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -DNW_WITHOUT $(NW_CFLAGS) -fno-stack-protector $(NO_GUESSES) $(EXTRA_CFLAGS) -MMD -MP -c -o \
	    $@ $<

$(B)/obj/without/%.o: %.S $(FLAGS)
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -DNW_WITHOUT $(NW_CFLAGS) -MMD -MP -c -o $@ $<

$(WITHOUT_PROGRAM): $(WITHOUT_OBJECTS) $(B)/obj/worker/stub_image.o $(PROTECT) $(COMMON) worker/audit/link.sh \
    $(CHECK_CODE) | $(B)/test/worker/
	$(call say,LD,$@)
	$(Q)$(LINK_WORKER) $(filter %.o %.a,$^)

$(B)/test/worker/attacks: | $(WITHOUT_PROGRAM)
