# The benchmarks. `make bench` runs bench/run.sh, which writes build/bench/results.json.

BENCH_FUNCTIONS := $(B)/bench/functions/inside.so
BENCHES += $(B)/bench/micro $(BENCH_FUNCTIONS)

MICRO_SOURCES := $(addprefix bench/,arena_bench.c channel_bench.c doorbell_bench.c doorbells.c floor_bench.c micro.c \
                   ring_bench.c transport_bench.c worker_bench.c shim.cc) worker/test/harness.c

$(B)/bench/micro: $(call objects,$(MICRO_SOURCES)) $(COMMON)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(NW_LDFLAGS) -o $@ $^ -lbenchmark -luring -lcmocka

$(B)/bench/functions/%.so: bench/functions/%.c include/faas/worker_v1_interface.h
	$(call say,SO,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(FUNCTION_CFLAGS)) $(FUNCTION_LDFLAGS) -o $@ $<

# Counts that no clock upsets: `make bench-count`. They depend on the processor too, so they are no test of `make check`.
$(B)/bench/count: $(call objects,$(addprefix bench/,count.c count_instructions.c count_syscalls.c count_threads.c) \
                    engine/test/e2e/load_http.c)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^ -lcjson -lm
