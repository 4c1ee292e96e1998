# what launcher builds
LAUNCHER_SOURCES := $(addprefix launcher/,launcher.c start.c confine.c filter.c)

$(eval $(call program,nightward-launcher,launcher/main.c $(LAUNCHER_SOURCES),-lseccomp,$(COMMON)))
$(eval $(call test,launcher/launcher,launcher/test/launcher_test.c $(LAUNCHER_SOURCES),-lseccomp,$(COMMON)))

# The program that the test starts in place of a worker; found beside the test.
TEST_HELPERS += $(B)/test/launcher/fake_worker
$(B)/test/launcher/launcher: | $(B)/test/launcher/fake_worker
$(B)/test/launcher/fake_worker: $(call objects,launcher/test/fake_worker.c) | $(B)/test/launcher/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $<
