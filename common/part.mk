# libcommon.a: what two or more processes share. Each source is its own object, so that a static program links only
# what it calls (mode_probe.c may write PKRU and json.c needs libcjson: neither belongs in a worker).
COMMON_FOLDERS := base shm http manifest sites host process calls
COMMON_SOURCES := $(filter-out common/manifest/resources_doc%,$(wildcard $(COMMON_FOLDERS:%=common/%/*.c)))
COMMON := $(B)/libcommon.a

$(COMMON): $(call objects,$(COMMON_SOURCES))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(eval $(call test,common/arena,common/test/shm/arena_test.c,,$(COMMON)))
$(eval $(call test,common/backoff,common/test/host/backoff_test.c,,$(COMMON)))
$(eval $(call test,common/claims,common/test/shm/claims_test.c,,$(COMMON)))
$(eval $(call test,common/calls,common/test/manifest/calls_test.c,-lcjson,$(COMMON)))
$(eval $(call test,common/channel,common/test/shm/channel_test.c,,$(COMMON)))
$(eval $(call test,common/control,common/test/manifest/control_test.c,,$(COMMON)))
$(eval $(call test,common/credit,common/test/shm/credit_test.c,,$(COMMON)))
$(eval $(call test,common/cpus,common/test/host/cpus_test.c,,$(COMMON)))
$(eval $(call test,common/error_text,common/test/host/error_text_test.c,,$(COMMON)))
$(eval $(call test,common/grant,common/test/manifest/grant_test.c,,$(COMMON)))
$(eval $(call test,common/manifest,common/test/manifest/manifest_test.c,-lcjson,$(COMMON)))
$(eval $(call test,common/mode,common/test/host/mode_test.c,,$(COMMON)))
$(eval $(call test,common/resources,common/test/manifest/resources_test.c common/manifest/resources_doc.c,,$(COMMON)))
$(eval $(call test,common/sites,common/test/sites/sites_test.c,,$(COMMON)))
$(eval $(call test,common/bound,common/test/base/bound_test.c))
$(eval $(call test,common/record,common/test/http/record_test.c,,$(COMMON)))
$(eval $(call test,common/ring,common/test/shm/ring_test.c,,$(COMMON)))
$(eval $(call test,common/text,common/test/base/text_test.c,,$(COMMON)))
$(eval $(call test,common/valid,common/test/base/valid_test.c common/test/base/valid_off.c))

$(eval $(call fuzz,common,control,,,$(COMMON)))
$(eval $(call fuzz,common,manifest,,-lcjson,$(COMMON)))
$(eval $(call fuzz,common,record,,,$(COMMON)))
$(eval $(call fuzz,common,ring,,,$(COMMON)))
$(eval $(call fuzz,common,sites,,,$(COMMON)))

# what one owner may have of what many want, written from the table
$(B)/obj/common/resources-doc: $(call objects,common/manifest/resources_doc.c common/manifest/resources_doc_main.c) \
    $(COMMON)
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^
docs/reference/limits.md: $(B)/obj/common/resources-doc ## write the table of limits and shares
	$(Q)$< > $@.new && mv $@.new $@

# The ring once more, watched by ThreadSanitizer, which cannot be mixed with another sanitizer's objects.
TESTS   += $(B)/test/common/ring_tsan
NO_ASAN += common/ring_tsan
$(B)/test/common/ring_tsan: common/test/shm/ring_test.c common/shm/ring.c $(wildcard common/*/*.h) $(FLAGS) | \
    $(B)/test/common/
	$(call say,TSAN,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(OPT) $(WARNINGS) -pthread -fsanitize=thread -o $@ $(filter %.c,$^) -lcmocka

# Says whether mode mpk can run here: exit status 0, or 1 with the reason.
TEST_HELPERS += $(B)/test/mode-usable
$(B)/test/mode-usable: $(call objects,common/test/host/mode_usable.c) $(COMMON) | $(B)/test/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -o $@ $^

# The map of the tree, written from the layers.
.PHONY: docs/architecture.md
docs/architecture.md: ## write the map of the tree from the layers
	$(Q)common/test/map.sh > $@.new && mv $@.new $@
