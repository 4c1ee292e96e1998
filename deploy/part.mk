# what deploy builds
DEPLOY_SOURCES := $(addprefix deploy/,main.c command.c options.c option_value.c say.c state.c file.c folder.c client.c \
                    answer.c base64.c up.c host.c host_argv.c notify.c check.c explain.c deploy.c \
                    list.c describe.c show.c invoke.c remove.c status.c)

$(eval $(call program,nightward,$(DEPLOY_SOURCES),-lcurl -lcjson -lelf -lZydis,$(PROTECT) $(COMMON)))

# Stands in for the engine in host.bats.
TEST_HELPERS += $(B)/test/deploy/fake_engine
$(B)/test/deploy/fake_engine: $(call objects,deploy/test/fake_engine.c) $(COMMON) | $(B)/test/deploy/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

MAN := $(B)/man/nightward.1
$(MAN): docs/man/nightward.1.scd | $(B)/man/
	$(call say,MAN,$@)
	$(Q)scdoc < $< > $@

# The man page where scdoc is installed, and the service with the paths of this installation.
.PHONY: install-deploy
install: install-deploy
install-deploy: $(if $(shell command -v scdoc),$(MAN))
	$(Q)$(if $(shell command -v scdoc),install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(MAN))
	$(Q)mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' deploy/nightward.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/nightward.service
