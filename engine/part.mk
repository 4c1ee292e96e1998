# nightward-engine, and tests that need no worker of the real kind.

LLHTTP_SOURCES := /usr/share/llhttp
LLHTTP_FLAGS   := -I/usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1
LLHTTP_OBJECTS := $(addprefix $(B)/obj/llhttp/,api.o http.o llhttp.o)

# Not our code, so not our warnings.
$(B)/obj/llhttp/%.o: $(LLHTTP_SOURCES)/%.c $(FLAGS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LLHTTP_FLAGS) $(OPT) -w -fvisibility=hidden -fPIE -pthread $(SANITIZE) -c -o $@ $<

# Its layers, the lowest first.
ENGINE_LAYERS  := base tally lookup route io io/uring io/uv io/choice http/syntax http store/database store logs config admit \
    serve dispatch gateway threads placement workers names code versions operations control metrics admin/logs admin
ENGINE_SOURCES := $(filter-out engine/metrics/document%,$(wildcard $(ENGINE_LAYERS:%=engine/%/*.c)))
ENGINE_LIBS    := -luring -luv -lcjson -lsqlite3 -lcrypto
ENGINE_ARCHIVE := $(B)/libengine.a

$(call objects,$(ENGINE_SOURCES)): CPPFLAGS += $(LLHTTP_FLAGS)

# Everything but main, for the program and for unit tests.
$(ENGINE_ARCHIVE): $(call objects,$(ENGINE_SOURCES)) $(LLHTTP_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(eval $(call program,nightward-engine,engine/main.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))

# every metric with what it is, written from their table
$(B)/obj/engine/metrics-doc: $(call objects,$(addprefix engine/metrics/,document.c document_main.c metric.c)) $(COMMON)
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^
docs/reference/metrics.md: $(B)/obj/engine/metrics-doc ## write the table of metrics
	$(Q)$< > $@.new && mv $@.new $@

# A host whose worker obeys no rules but those of the protocol, and not always those: the real programs, copied beside
# the fake worker, because they look for each other there.
ENGINE_TEST_HOST := $(B)/test/engine/host
ENGINE_TEST_HELPERS := $(addprefix $(ENGINE_TEST_HOST)/,nightward-worker nightward-engine nightward-launcher)
TEST_HELPERS += $(ENGINE_TEST_HELPERS)

# Never with sanitizers, whose system calls no worker may make.
$(ENGINE_TEST_HOST)/nightward-worker: $(addprefix engine/test/fake/,fake_worker.c hostile.c line.c) \
    engine/base/list.c $(addprefix common/,shm/arena.c base/buffer.c shm/channel.c shm/claims.c manifest/control.c \
    base/log.c shm/ring.c base/status.c) \
    $(wildcard common/*/*.h engine/*/*.h engine/test/fake/*.h) $(FLAGS) | $(ENGINE_TEST_HOST)/
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(OPT) $(WARNINGS) -pthread -o $@ $(filter %.c,$^)

$(ENGINE_TEST_HOST)/%: $(B)/bin/% | $(ENGINE_TEST_HOST)/
	$(Q)cp -f $< $@

# $(call engine_host_test,NAME): a test against a whole host, which runs with each event loop
define engine_host_test
IO_TESTS += $(B)/test/engine/$(1)
$(call test,engine/$(1),engine/test/host/$(1)_test.c engine/test/host/host.c,,$(COMMON))
$(B)/test/engine/$(1): | $(ENGINE_TEST_HELPERS)
endef

$(foreach name,gateway hostile deploy tenants pressure start state threads failures recovery limits \
    versions,$(eval $(call \
    engine_host_test,$(name))))

IO_TESTS += $(B)/test/engine/clients
$(eval $(call test,engine/clients,engine/test/attack/clients_test.c engine/test/attack/greed.c \
    engine/test/host/host.c,,$(COMMON)))
$(B)/test/engine/clients: | $(ENGINE_TEST_HELPERS)

IO_TESTS += $(B)/test/engine/listing
$(eval $(call test,engine/listing,engine/test/admin/listing_test.c engine/test/host/host.c,,$(COMMON)))
$(B)/test/engine/listing: | $(ENGINE_TEST_HELPERS) $(B)/bin/nightward

# Once more with two threads, but the one that has several anyway.
THREAD_TESTS := $(filter-out %/threads,$(IO_TESTS))
WAITING_TESTS += $(IO_TESTS) $(B)/test/engine/attacks

$(eval $(call test,engine/directory,engine/test/store/directory_test.c engine/store/directory.c,,$(COMMON)))

# The attacks that reach the engine; they are in the table that check-attacks prints.
# An engine that leaves a check out does what a sanitizer ends it for.
NO_ASAN += engine/attacks
$(eval $(call test,engine/attacks,engine/test/attack/attack_test.c engine/test/attack/attack_loads.c engine/test/attack/attack_theft.c \
    engine/test/attack/greed.c engine/test/host/host.c common/test/attack/attack_report.c,,$(COMMON)))
$(B)/test/engine/attacks: | $(ENGINE_TEST_HELPERS) $(addprefix $(B)/test/engine/host-without/,nightward-worker \
    nightward-engine nightward-launcher)

# The same host with an engine that can leave checks out (common/base/without.h). Never installed.
ENGINE_WITHOUT := $(patsubst $(B)/obj/%,$(B)/obj/without/%,$(call objects,$(addprefix engine/,admin/admin.c \
    dispatch/dispatch.c \
                    gateway/output.c serve/place.c http/syntax/parse.c http/server.c serve/link.c versions/loads.c \
    test/attack/without.c) common/shm/channel.c common/shm/ring.c))
$(ENGINE_WITHOUT): CPPFLAGS += $(LLHTTP_FLAGS)
$(B)/test/engine/host-without/nightward-engine: $(ENGINE_WITHOUT) $(call objects,engine/main.c) \
                                                $(ENGINE_ARCHIVE) $(COMMON) | $(B)/test/engine/host-without/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ $(ENGINE_LIBS)

$(B)/test/engine/host-without/%: $(ENGINE_TEST_HOST)/% | $(B)/test/engine/host-without/
	$(Q)cp -f $< $@

# io: the interface of the event loop itself.
$(eval $(call test,engine/io,engine/test/io/io_test.c engine/test/io/io_world.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) \
    $(COMMON)))
$(eval $(call test,engine/io_beside,engine/test/io/beside_test.c engine/test/io/io_world.c,$(ENGINE_LIBS),\
    $(ENGINE_ARCHIVE) $(COMMON)))
IO_TESTS += $(B)/test/engine/io $(B)/test/engine/io_beside

TEST_HELPERS += $(B)/test/io-usable
$(B)/test/io-usable: $(call objects,engine/test/io/io_usable.c) $(ENGINE_ARCHIVE) $(COMMON) | $(B)/test/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ $(ENGINE_LIBS)

$(call objects,engine/test/http/parse_test.c): CPPFLAGS += $(LLHTTP_FLAGS)
$(eval $(call test,engine/parse,engine/test/http/parse_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/wheel,engine/test/base/wheel_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/answer,engine/test/http/answer_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/tally,engine/test/tally/tally_test.c,,$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/metrics,engine/test/metrics/metrics_test.c engine/metrics/document.c,$(ENGINE_LIBS), \
    $(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/spool,engine/test/base/spool_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/admit,engine/test/admit/admit_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/chores,engine/test/base/chores_test.c $(addprefix engine/,base/bulk.c base/carry.c \
    base/chores.c base/list.c)))
$(eval $(call test,engine/link,engine/test/serve/link_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/placement,engine/test/placement/placement_test.c,,$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/lifecycles,engine/test/lifecycles_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/broken,engine/test/broken_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/broken_versions,engine/test/broken_versions_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/misled,engine/test/io/misled_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/order,engine/test/io/order_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/adopted,engine/test/io/adopted_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/broken_uring,engine/test/io/broken_uring_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/names,engine/test/names/names_test.c engine/names/names.c engine/base/list.c,,$(COMMON)))
$(eval $(call test,engine/lookup,engine/test/lookup/lookup_test.c $(addprefix engine/lookup/,order.c table.c)))
$(eval $(call test,engine/list,engine/test/base/list_test.c engine/base/list.c))
$(eval $(call test,engine/log_ring,engine/test/logs/ring_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/logs,engine/test/logs/logs_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/log_origin,engine/test/logs/origin_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call test,engine/snapshots,engine/test/store/snapshots_test.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(foreach name,keep registry registry_damage registry_disk registry_old store_damage,$(eval $(call test,engine/$(name), \
    engine/test/store/$(name)_test.c engine/test/store/registry_help.c,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON))))

# Whole engines in a process of their own; what stands in for sockets, disk and log comes before the archive.
FUZZ_WORLD := $(addprefix engine/fuzz/,io_fake.c world.c world_worker.c)
$(call objects,$(FUZZ_WORLD) $(addprefix engine/fuzz/,answer_fuzz.c http_fuzz.c parse_fuzz.c ring_fuzz.c)): CPPFLAGS += \
    $(LLHTTP_FLAGS)
$(eval $(call fuzz,engine,answer,,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call fuzz,engine,http,$(FUZZ_WORLD),$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call fuzz,engine,parse,,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call fuzz,engine,traffic,,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call fuzz,engine,registry,,$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))
$(eval $(call fuzz,engine,ring,$(FUZZ_WORLD),$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON)))

# The same engine, and tests that are its workers.
PLAYED := engine/test/serve/played_worker.c
$(call objects,$(wildcard engine/test/serve/*.c) engine/test/http/drain_test.c \
    engine/test/metrics/scrape_test.c): CPPFLAGS += $(LLHTTP_FLAGS)
$(eval $(call test,engine/drain,engine/test/http/drain_test.c $(FUZZ_WORLD),$(ENGINE_LIBS),$(ENGINE_ARCHIVE) \
    $(COMMON)))
$(eval $(call test,engine/scrape,engine/test/metrics/scrape_test.c $(FUZZ_WORLD),$(ENGINE_LIBS),$(ENGINE_ARCHIVE) \
    $(COMMON)))
$(foreach name,awake cancel counted outbox overload pieces queue room,$(eval $(call test,engine/$(name),engine/test/serve/$(name)_test.c \
    $(PLAYED) $(FUZZ_WORLD),$(ENGINE_LIBS),$(ENGINE_ARCHIVE) $(COMMON))))
