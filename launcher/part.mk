# what launcher builds
LAUNCHER_SOURCES := $(addprefix launcher/,launcher.c start.c confine.c filter.c namespaces.c view.c)

$(eval $(call program,nightward-launcher,launcher/main.c $(LAUNCHER_SOURCES),-lseccomp,$(COMMON)))
$(foreach name,launcher confine calls,$(eval $(call test,launcher/$(name),launcher/test/$(name)_test.c \
    launcher/test/host.c launcher/test/look.c $(LAUNCHER_SOURCES),-lseccomp,$(COMMON))))

# The program that the tests start in place of a worker; found beside them. Never with sanitizers, whose system calls no
# worker may make.
TEST_HELPERS += $(B)/test/launcher/fake_worker
$(addprefix $(B)/test/launcher/,launcher confine calls): | $(B)/test/launcher/fake_worker
$(B)/test/launcher/fake_worker: launcher/test/fake_worker.c $(FLAGS) | $(B)/test/launcher/
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(OPT) $(WARNINGS) -pthread -o $@ $<
