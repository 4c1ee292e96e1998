# the tests of what the worker is made of
$(eval $(call test,worker/region,worker/test/region_test.c worker/region.c))
$(eval $(call test,worker/image,worker/test/image_test.c worker/image.c,,$(PROTECT)))
$(eval $(call test,worker/worker,worker/test/worker_test.c worker/test/harness.c,,$(COMMON)))
NO_ASAN += worker/worker
