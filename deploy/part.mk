# what deploy builds
DEPLOY_SOURCES := $(addprefix deploy/,main.c command.c options.c option_value.c say.c state.c file.c folder.c client.c \
                    answer.c base64.c up.c host.c host_argv.c notify.c deploy.c list.c invoke.c remove.c status.c)

$(eval $(call program,nightward,$(DEPLOY_SOURCES),-lcurl -lcjson,$(COMMON)))

# Stands in for the engine in host.bats.
TEST_HELPERS += $(B)/test/deploy/fake_engine
$(B)/test/deploy/fake_engine: $(call objects,deploy/test/fake_engine.c) $(COMMON) | $(B)/test/deploy/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^
