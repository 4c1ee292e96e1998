# what protect builds: libprotect-core.a, what a worker and the command line need of it (PROTECT names it)
PROTECT_SOURCES := $(addprefix protect/,elf_code.c elf_file.c emit.c function_check.c insn.c rewrite.c scan.c vkey.c)
PROTECT         := $(B)/libprotect-core.a

$(PROTECT): $(call objects,$(PROTECT_SOURCES))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# The files that tests read, one for each kind of hash table. They are data: no sanitizer is linked into them.
$(B)/test/protect/sound.so: SOUND_HASH := gnu
$(B)/test/protect/sound-sysv.so: SOUND_HASH := sysv
$(B)/test/protect/sound.so $(B)/test/protect/sound-sysv.so: protect/test/sound.c | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -fPIC -O1 -fvisibility=hidden $(CPPFLAGS) -Wl,--hash-style=$(SOUND_HASH),-z,noexecstack -o $@ $<

PROTECT_FIXTURES := $(B)/test/protect/sound.so $(B)/test/protect/sound-sysv.so

$(eval $(call test,protect/scan,protect/test/scan_test.c protect/test/fixture.c,,$(PROTECT)))
$(eval $(call test,protect/elf_file,protect/test/elf_file_test.c protect/test/fixture.c,,$(PROTECT)))
$(B)/test/protect/elf_file: | $(PROTECT_FIXTURES)
$(eval $(call test,protect/function_check,protect/test/function_check_test.c protect/test/fixture.c,,$(PROTECT)))
$(B)/test/protect/function_check: | $(PROTECT_FIXTURES)
$(eval $(call test,protect/vkey,protect/test/vkey_test.c protect/test/fixture.c,,$(PROTECT)))
$(eval $(call test,protect/insn,protect/test/insn_test.c protect/test/fixture.c,-lZydis,$(PROTECT)))

# The functions that the rewriter takes apart.
$(B)/test/protect/rewrite-cases.so: protect/test/rewrite_cases.S | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -nostdlib -Wl,-z,noexecstack -o $@ $<

REWRITE_TEST := $(addprefix protect/test/,rewrite_test.c rewrite_run.S fixture.c)
$(eval $(call test,protect/rewrite,$(REWRITE_TEST),,$(PROTECT)))
$(B)/test/protect/rewrite: | $(B)/test/protect/rewrite-cases.so
