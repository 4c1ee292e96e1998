# what protect builds: libprotect-core.a, what a worker and the command line need of it (PROTECT names it), and the
# libraries for other programs: libprotect.so, libprotect.a, libnwguard.so
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

LIBPROTECT_SOURCES := $(addprefix protect/,libprotect.c libprotect_ranges.c vkey.c)
LIBPROTECT_TEST    := $(addprefix protect/test/,libprotect_test.c fixture.c)

$(eval $(call test,protect/libprotect,$(LIBPROTECT_TEST),,$(call objects,$(LIBPROTECT_SOURCES))))
$(eval $(call test,protect/libprotect_ranges,protect/test/libprotect_ranges_test.c protect/test/fixture.c,,\
    $(B)/obj/protect/libprotect_ranges.o))

# The same tests watched by ThreadSanitizer.
TESTS   += $(B)/test/protect/libprotect_tsan
NO_ASAN += protect/libprotect_tsan
$(B)/test/protect/libprotect_tsan: $(LIBPROTECT_TEST) $(LIBPROTECT_SOURCES) include/nightward/protect.h \
        $(wildcard protect/*.h) | $(B)/test/protect/
	$(call say,TSAN,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(OPT) $(WARNINGS) -pthread -fsanitize=thread -o $@ $(filter %.c,$^) -lcmocka

# Libraries for other programs are built without sanitizers. A call in tail position would hide its caller from
# libnwguard.so.
LIBRARY_CFLAGS = -std=gnu11 $(OPT) $(WARNINGS) -fvisibility=hidden -fPIC -fno-optimize-sibling-calls $(CFLAGS)
$(B)/obj/pic/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LIBRARY_CFLAGS) -MMD -MP -c -o $@ $<

pic_objects = $(patsubst %.c,$(B)/obj/pic/%.o,$(1))
LIBRARY_LDFLAGS = -shared -Wl,-z,defs,-z,relro,-z,now,-z,noexecstack,-z,nodelete $(LDFLAGS)

LIBPROTECT_SONAME := libprotect.so.1
LIBPROTECT_SO     := $(B)/lib/libprotect.so
LIBPROTECT_A      := $(B)/lib/libprotect.a
LIBPROTECT_PC     := $(B)/lib/pkgconfig/libprotect.pc
NWGUARD_SO        := $(B)/lib/libnwguard.so

$(LIBPROTECT_SO): $(call pic_objects,$(LIBPROTECT_SOURCES)) protect/libprotect.map | $(B)/lib/
	$(call say,SO,$@)
	$(Q)$(CC) $(LIBRARY_LDFLAGS) -Wl,-soname,$(LIBPROTECT_SONAME),--version-script=protect/libprotect.map \
	    -o $(B)/lib/$(LIBPROTECT_SONAME) $(filter %.o,$^)
	$(Q)ln -sf $(LIBPROTECT_SONAME) $@

# One object, so that the names that its parts share are nobody else's.
$(LIBPROTECT_A): $(call pic_objects,$(LIBPROTECT_SOURCES)) | $(B)/lib/
	$(call say,AR,$@)
	$(Q)$(LD) -r -o $(B)/obj/pic/libprotect.o $^
	$(Q)objcopy --localize-hidden $(B)/obj/pic/libprotect.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(B)/obj/pic/libprotect.o

NWGUARD_SOURCES := $(addprefix protect/guard/,guard.c caller.c report.c)
$(NWGUARD_SO): $(call pic_objects,$(NWGUARD_SOURCES)) protect/guard/guard.map | $(B)/lib/
	$(call say,SO,$@)
	$(Q)$(CC) $(LIBRARY_LDFLAGS) -Wl,-soname,libnwguard.so,--version-script=protect/guard/guard.map \
	    -o $@ $(filter %.o,$^)

# Its rpath finds the library in the build.
$(B)/example/thousand_keys: $(call objects,protect/example/thousand_keys.c) $(LIBPROTECT_SO) | $(B)/example/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -Wl,-rpath,'$$ORIGIN/../lib' -o $@ $(filter %.o,$^) -L$(B)/lib -lprotect

all: $(LIBPROTECT_SO) $(LIBPROTECT_A) $(NWGUARD_SO) $(B)/example/thousand_keys
