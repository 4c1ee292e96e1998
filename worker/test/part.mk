# the tests of what the worker is made of
$(eval $(call test,worker/region,worker/test/region_test.c worker/region.c))
