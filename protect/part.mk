# what protect builds: libprotect-core.a, what a worker and the command line need of it (PROTECT names it)
PROTECT_SOURCES := protect/scan.c
PROTECT         := $(B)/libprotect-core.a

$(PROTECT): $(call objects,$(PROTECT_SOURCES))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(eval $(call test,protect/scan,protect/test/scan_test.c,,$(PROTECT)))
