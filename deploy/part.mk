# The command line. Its layers, the lowest first.
DEPLOY_LAYERS  := base file client import top host cli
DEPLOY_SOURCES := $(wildcard $(DEPLOY_LAYERS:%=deploy/%/*.c))

$(eval $(call program,nightward,$(DEPLOY_SOURCES),-lcurl -lcjson -lelf -lZydis -lm,$(PROTECT) $(COMMON)))

$(eval $(call test,deploy/top,deploy/test/top_test.c deploy/top/figures.c deploy/top/series.c,-lm))

FUNC_CONFIG := deploy/import/func_config.c deploy/import/library.c
$(eval $(call test,deploy/func_config,deploy/test/func_config_test.c $(FUNC_CONFIG),-lcjson,$(COMMON)))
$(eval $(call fuzz,deploy,func_config,deploy/import/func_config.c,-lcjson,$(COMMON)))

# Stands in for the engine in host.bats.
TEST_HELPERS += $(B)/test/deploy/fake_engine
$(B)/test/deploy/fake_engine: $(call objects,deploy/test/fake_engine.c) $(COMMON) | $(B)/test/deploy/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

MAN := $(B)/man/nightward.1
$(MAN): docs/man/nightward.1.scd | $(B)/man/
	$(call say,MAN,$@)
	$(Q)scdoc < $< > $@

# The man page where scdoc is installed, the service with the paths of this installation, and what others load.
.PHONY: install-deploy
install: install-deploy
install-deploy: $(if $(shell command -v scdoc),$(MAN))
	$(Q)$(if $(shell command -v scdoc),install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(MAN))
	$(Q)mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' deploy/nightward.service \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/nightward.service
	$(Q)install -D -m 644 deploy/grafana/nightward.json $(DESTDIR)$(PREFIX)/share/nightward/grafana.json
	$(Q)install -D -m 644 deploy/alerts/nightward.yml $(DESTDIR)$(PREFIX)/share/nightward/alerts.yml
