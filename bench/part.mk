# The benchmarks. `make bench` runs bench/run.sh, which writes build/bench/results.json.

BENCH_FUNCTIONS := $(addprefix $(B)/bench/functions/,inside.so spin.so variant.so)
BENCHES += $(B)/bench/micro $(BENCH_FUNCTIONS)

MICRO_SOURCES := $(wildcard bench/micro/*.c bench/micro/*.cc) worker/test/harness.c

$(B)/bench/micro: $(call objects,$(MICRO_SOURCES)) $(COMMON)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(NW_LDFLAGS) -o $@ $^ -lbenchmark -luring -lcmocka

$(B)/bench/functions/%.so: bench/functions/%.c include/faas/worker_v1_interface.h $(FLAGS)
	$(call say,SO,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(FUNCTION_CFLAGS)) $(FUNCTION_LDFLAGS) -o $@ $<

# Counts that no clock upsets: `make bench-count`. They depend on the processor too, so they are no test of
# `make check`.
$(B)/bench/count: $(call objects,$(wildcard bench/count/*.c) engine/test/e2e/tools/load_http.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lcjson -lm

# What bench/compare and bench/scale measure with.
COMPARE_TOOLS := $(addprefix $(B)/bench/,openloop echo_server first_answer)
BENCHES       += $(COMPARE_TOOLS)
TEST_HELPERS  += $(COMPARE_TOOLS)

LOAD_OBJECTS := $(call objects,$(addprefix bench/tools/,load.c histogram.c http_client.c) bench/draw/draw.c) $(LLHTTP_OBJECTS)
$(call objects,$(wildcard bench/tools/*.c bench/many/*.c bench/mix/*.c) bench/test/load_test.c): CPPFLAGS += $(LLHTTP_FLAGS)

$(B)/bench/openloop: $(call objects,bench/tools/openloop_main.c) $(LOAD_OBJECTS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lm

$(B)/bench/echo_server: $(call objects,bench/tools/echo_server.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -luring

$(B)/bench/first_answer: $(call objects,bench/tools/first_answer.c engine/test/e2e/tools/load_http.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

# What zero-copy sends would save.
BENCHES += $(B)/bench/sends
$(B)/bench/sends: $(call objects,bench/tools/sends_main.c) $(COMMON)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -luring

# Many functions of one template: as files, deployed, called.
MANY_TOOLS := $(addprefix $(B)/bench/,variants deploy_many many_load)
BENCHES    += $(MANY_TOOLS)

$(MANY_TOOLS): $(B)/bench/%: $(B)/obj/bench/many/%.o $(call objects,bench/many/variant.c) $(LOAD_OBJECTS) \
        $(call objects,engine/test/e2e/tools/load_http.c) | $(B)/bench/functions/variant.so
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lm

# Loads of which some requests take much longer than others, for bench/tail.
TAIL_TOOLS   := $(B)/bench/mix_load
BENCHES      += $(TAIL_TOOLS)
TEST_HELPERS += $(TAIL_TOOLS) $(B)/bench/functions/spin.so

$(TAIL_TOOLS): $(call objects,$(addprefix bench/mix/,mix_load.c mix.c)) $(LOAD_OBJECTS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lm

# The programs alone, for bench/tail.
.PHONY: tail-tools
tail-tools: all $(TAIL_TOOLS) $(B)/bench/functions/spin.so

# Placement under load, without machines: the table and the figure of docs/scaling.md.
SIMULATE_OBJECTS := $(call objects,$(addprefix bench/simulate/,simulate.c traffic.c world.c) bench/draw/draw.c \
    engine/placement/placement.c)
BENCHES += $(B)/bench/simulate

$(B)/bench/simulate: $(call objects,bench/simulate/main.c) $(SIMULATE_OBJECTS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lm

# The programs alone, for bench/scale.
.PHONY: scale-tools
scale-tools: all $(MANY_TOOLS) $(B)/bench/micro $(BENCH_FUNCTIONS) $(B)/bench/first_answer $(B)/test/mode-usable

# The programs alone, for bench/compare, which begins with this.
.PHONY: compare-tools
compare-tools: all $(COMPARE_TOOLS)

# The programs alone, for bench/neighbours.
.PHONY: neighbours-tools
neighbours-tools: all $(B)/bench/openloop $(B)/test/e2e/load $(B)/test/e2e/hold $(GREEDY_SOS)

$(eval $(call test,bench/histogram,bench/test/histogram_test.c,-lm,$(call objects,bench/tools/histogram.c)))
$(eval $(call test,bench/load,bench/test/load_test.c,-lm,$(LOAD_OBJECTS)))
$(eval $(call test,bench/variant,bench/test/variant_test.c,,$(call objects,bench/many/variant.c)))
$(eval $(call test,bench/mix,bench/test/mix_test.c,-lm,$(call objects,bench/mix/mix.c)))
$(eval $(call test,bench/draw,bench/test/draw_test.c,-lm,$(call objects,bench/draw/draw.c)))
$(eval $(call test,bench/simulate,bench/test/simulate_test.c,-lm,$(SIMULATE_OBJECTS)))
