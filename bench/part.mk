# The benchmarks. `make bench` runs bench/run.sh, which writes build/bench/results.json.

BENCHES += $(B)/bench/micro

$(B)/bench/micro: $(call objects,$(wildcard bench/*.c) bench/shim.cc) $(COMMON)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(NW_LDFLAGS) -o $@ $^ -lbenchmark
