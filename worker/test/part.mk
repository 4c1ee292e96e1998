# the tests of what the worker is made of
$(eval $(call test,worker/region,worker/test/region_test.c worker/region.c))
$(eval $(call test,worker/policy,worker/test/policy_test.c worker/policy_doc.c worker/policy_rules.c))
$(eval $(call test,worker/profiles,worker/test/profiles_test.c worker/test/harness.c,,$(COMMON)))
$(B)/test/worker/profiles: | $(B)/test/worker/probe.so $(B)/test/worker/attack/memory.so
NO_ASAN += worker/profiles
$(eval $(call test,worker/image,worker/test/image_test.c worker/image.c,,$(PROTECT)))
$(eval $(call test,worker/image_frozen,worker/test/image_frozen_test.c worker/image.c,,$(PROTECT)))
$(eval $(call test,worker/op_doc,worker/test/op_doc_test.c))
$(eval $(call fuzz,worker,remote,worker/remote.c,,$(COMMON)))
$(eval $(call fuzz,worker,image,worker/image.c,,$(PROTECT)))
$(eval $(call test,worker/worker,worker/test/worker_test.c worker/test/harness.c,,$(COMMON)))
$(eval $(call test,worker/guarded,worker/test/guarded_test.c worker/test/harness.c,,$(COMMON)))
NO_ASAN += worker/worker worker/guarded

# functions that only tests need
$(B)/test/worker/%.so: worker/test/%.c include/faas/worker_v1_interface.h | $(B)/test/worker/
	$(call say,SO,$@)
	$(Q)$(CC) -std=gnu11 $(OPT) $(WARNINGS) -Iinclude -D_GNU_SOURCE -fPIC -shared -Wl,-z,defs $(TEST_SO_FLAGS) -o $@ $(filter %.c %.a,$^)
$(B)/test/worker/worker: | $(B)/test/worker/relay.so
$(B)/test/worker/guarded: | $(B)/test/worker/guarded.so
# It claims to be libprotect.
$(B)/test/worker/guarded.so: TEST_SO_FLAGS := -Wl,-soname,libprotect.so.1
$(B)/test/worker/guarded.so: $(LIBPROTECT_A)
include worker/test/attack/part.mk
