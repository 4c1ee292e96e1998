# what protect builds: libprotect-core.a, what a worker and the command line need of it (PROTECT names it), and the
# libraries for other programs: libprotect.so, libprotect.a, libnwguard.so
PROTECT_SOURCES := $(wildcard protect/scan/*.c protect/rewrite/*.c protect/rewrite/*.S protect/check/*.c) \
    protect/gate/state.c \
                   protect/gate/vkey.c
PROTECT         := $(B)/libprotect-core.a

$(PROTECT): $(call objects,$(PROTECT_SOURCES))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# The files that tests read, one for each kind of hash table. They are data: no sanitizer is linked into them.
$(B)/test/protect/sound.so: SOUND_HASH := gnu
$(B)/test/protect/sound-sysv.so: SOUND_HASH := sysv
$(B)/test/protect/sound.so $(B)/test/protect/sound-sysv.so: protect/test/scan/sound.c $(FLAGS) | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -fPIC -O1 -fvisibility=hidden $(CPPFLAGS) -Wl,--hash-style=$(SOUND_HASH),-z,noexecstack -o $@ $<

PROTECT_FIXTURES := $(B)/test/protect/sound.so $(B)/test/protect/sound-sysv.so

SCAN_TEST := protect/test/scan/scan_test.c protect/test/scan/naive_scan.c protect/test/fixture.c
$(eval $(call test,protect/scan,$(SCAN_TEST),-lZydis,$(PROTECT)))
$(eval $(call test,protect/self_scan,protect/test/scan/self_scan_test.c,,$(PROTECT)))
$(eval $(call test,protect/tiles,protect/test/rewrite/tiles_test.c,-lZydis,$(PROTECT)))
# It expects none of the instruction that it looks for in its own process, and sanitizers bring one along.
NO_ASAN += protect/tiles
$(eval $(call test,protect/elf_file,protect/test/scan/elf_file_test.c protect/test/fixture.c,,$(PROTECT)))
$(B)/test/protect/elf_file: | $(PROTECT_FIXTURES)
$(eval $(call test,protect/function_check,protect/test/scan/function_check_test.c protect/test/fixture.c,,$(PROTECT)))
$(B)/test/protect/function_check: | $(PROTECT_FIXTURES)
$(eval $(call test,protect/vkey,protect/test/vkey_test.c protect/test/fixture.c,,$(PROTECT)))
$(eval $(call test,protect/insn,protect/test/scan/insn_test.c protect/test/scan/insn_zydis.c \
    protect/test/fixture.c,-lZydis,$(PROTECT)))

$(eval $(call fuzz,protect,elf,,,$(PROTECT)))
$(eval $(call fuzz,protect,insn,protect/test/scan/insn_zydis.c,-lZydis,$(PROTECT)))
$(eval $(call fuzz,protect,scan,protect/test/scan/naive_scan.c,,$(PROTECT)))

# The functions that the rewriter takes apart.
$(B)/test/protect/rewrite-cases.so: protect/test/rewrite/rewrite_cases.S $(FLAGS) | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -nostdlib -Wl,-z,noexecstack -o $@ $<

REWRITE_TEST := protect/test/rewrite/rewrite_test.c protect/test/rewrite/rewrite_run.S protect/test/fixture.c
$(eval $(call test,protect/rewrite,$(REWRITE_TEST),,$(PROTECT)))
$(B)/test/protect/rewrite: | $(B)/test/protect/rewrite-cases.so

# The wrappers that take the shortcut.
$(B)/test/protect/shortcut-cases.so: protect/test/rewrite/shortcut_cases.S $(FLAGS) | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -nostdlib -Wl,-z,noexecstack,-z,separate-code -o $@ $<

SHORTCUT_TEST := protect/test/rewrite/shortcut_test.c protect/test/rewrite/shortcut_gate.S \
    protect/test/rewrite/library.c protect/test/rewrite/rewrite_run.S protect/test/fixture.c
$(eval $(call test,protect/shortcut,$(SHORTCUT_TEST),,$(PROTECT)))
$(B)/test/protect/shortcut: | $(B)/test/protect/shortcut-cases.so

# Functions that ask the processor what it is.
$(B)/test/protect/cpuid-cases.so: protect/test/rewrite/cpuid_cases.S $(FLAGS) | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -nostdlib -Wl,-z,noexecstack,-z,separate-code -o $@ $<

CPUID_TEST := protect/test/rewrite/cpuid_test.c protect/test/rewrite/library.c protect/test/rewrite/rewrite_run.S \
    protect/test/fixture.c
$(eval $(call test,protect/cpuid,$(CPUID_TEST),,$(PROTECT)))
$(B)/test/protect/cpuid: | $(B)/test/protect/cpuid-cases.so

LIBPROTECT_SOURCES := $(addprefix protect/,lib/libprotect.c lib/ranges.c gate/vkey.c)
LIBPROTECT_TEST    := protect/test/lib/libprotect_test.c protect/test/fixture.c

$(eval $(call test,protect/libprotect,$(LIBPROTECT_TEST),,$(call objects,$(LIBPROTECT_SOURCES))))
$(eval $(call test,protect/libprotect_ranges,protect/test/lib/libprotect_ranges_test.c protect/test/fixture.c,,\
    $(B)/obj/protect/lib/ranges.o))

# The same tests watched by ThreadSanitizer.
TESTS   += $(B)/test/protect/libprotect_tsan
NO_ASAN += protect/libprotect_tsan
$(B)/test/protect/libprotect_tsan: $(LIBPROTECT_TEST) $(LIBPROTECT_SOURCES) include/nightward/protect.h \
        $(wildcard protect/*/*.h) $(FLAGS) | $(B)/test/protect/
	$(call say,TSAN,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(OPT) $(WARNINGS) -pthread -fsanitize=thread -o $@ $(filter %.c,$^) -lcmocka

.PHONY: tsan
tsan: $(B)/test/protect/libprotect_tsan ## run the tests of libprotect under ThreadSanitizer
	$(Q)common/test/run.sh $(B) $<

# Libraries for other programs are built without sanitizers. libnwguard.so knows
# libprotect by its calls: none may be in tail position, and all go through the PLT.
LIBRARY_CFLAGS = -std=gnu11 $(OPT) $(WARNINGS) -fvisibility=hidden -fPIC -fno-optimize-sibling-calls -fplt $(CFLAGS)
$(B)/obj/pic/%.o: %.c $(FLAGS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LIBRARY_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/pic/%.o: %.S $(FLAGS)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LIBRARY_CFLAGS) -MMD -MP -c -o $@ $<

pic_objects = $(patsubst %,$(B)/obj/pic/%.o,$(basename $(1)))
LIBRARY_LDFLAGS = -shared -Wl,-z,defs,-z,relro,-z,now,-z,noexecstack,-z,nodelete $(LDFLAGS)

LIBPROTECT_SONAME := libprotect.so.1
LIBPROTECT_SO     := $(B)/lib/libprotect.so
LIBPROTECT_A      := $(B)/lib/libprotect.a
NWGUARD_SO        := $(B)/lib/libnwguard.so

$(LIBPROTECT_SO): $(call pic_objects,$(LIBPROTECT_SOURCES)) protect/lib/libprotect.map | $(B)/lib/
	$(call say,SO,$@)
	$(Q)$(CC) $(LIBRARY_LDFLAGS) -Wl,-soname,$(LIBPROTECT_SONAME),--version-script=protect/lib/libprotect.map \
	    -o $(B)/lib/$(LIBPROTECT_SONAME) $(filter %.o,$^)
	$(Q)ln -sf $(LIBPROTECT_SONAME) $@

# One object, so that the names that its parts share are nobody else's.
$(LIBPROTECT_A): $(call pic_objects,$(LIBPROTECT_SOURCES)) | $(B)/lib/
	$(call say,AR,$@)
	$(Q)$(LD) -r -o $(B)/obj/pic/libprotect.o $^
	$(Q)objcopy --localize-hidden $(B)/obj/pic/libprotect.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(B)/obj/pic/libprotect.o

NWGUARD_SOURCES := $(addprefix protect/guard/,guard.c guard_syscall.S caller.c report.c)
$(NWGUARD_SO): $(call pic_objects,$(NWGUARD_SOURCES) protect/guard/library.c) protect/guard/guard.map | $(B)/lib/
	$(call say,SO,$@)
	$(Q)$(CC) $(LIBRARY_LDFLAGS) -Wl,-soname,libnwguard.so,--version-script=protect/guard/guard.map \
	    -o $@ $(filter %.o,$^)

# Its rpath finds the library in the build.
$(B)/example/thousand_keys: $(call objects,protect/example/thousand_keys.c) $(LIBPROTECT_SO) | $(B)/example/
	$(call say,LD,$@)
	$(Q)$(CC) $(NW_LDFLAGS) -Wl,-rpath,'$$ORIGIN/../lib' -o $@ $(filter %.o,$^) -L$(B)/lib -lprotect

all: $(LIBPROTECT_SO) $(LIBPROTECT_A) $(NWGUARD_SO) $(B)/example/thousand_keys

# What guard_test.c runs. The programs are data to it: no sanitizer is linked into them.
GUARD_RUN := $(addprefix $(B)/test/protect/,guard-user guard-plugin.so guard-static guard-archive)
$(B)/test/protect/guard-user: $(call pic_objects,$(addprefix protect/test/guard/,guard_user.c guard_user_calls.S)) \
        $(LIBPROTECT_SO) | $(B)/test/protect/
	$(call say,LD,$@)
	$(Q)$(CC) -pthread -Wl,-rpath,'$$ORIGIN/../../lib' -o $@ $(filter %.o,$^) -L$(B)/lib -lprotect

$(B)/test/protect/guard-plugin.so: $(call pic_objects,protect/test/guard/guard_plugin.c) | $(B)/test/protect/
	$(call say,SO,$@)
	$(Q)$(CC) -shared -o $@ $^

$(B)/test/protect/guard-static: protect/test/guard/guard_static.c $(FLAGS) | $(B)/test/protect/
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 $(WARNINGS) -static -o $@ $<

$(B)/test/protect/guard-archive: protect/test/guard/guard_static.c $(LIBPROTECT_A) | $(B)/test/protect/
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) -DWITH_LIBPROTECT -std=gnu11 $(WARNINGS) -pthread -o $@ $^

$(eval $(call test,protect/guard,protect/test/guard/guard_test.c protect/test/fixture.c,,\
    $(call objects,$(LIBPROTECT_SOURCES)) $(PROTECT)))
$(B)/test/protect/guard: | $(GUARD_RUN) $(NWGUARD_SO)

NW_PROTECT_MAN := $(B)/man/nw_protect.3
$(NW_PROTECT_MAN): docs/man/nw_protect.3.scd | $(B)/man/
	$(call say,MAN,$@)
	$(Q)scdoc < $< > $@

# The header is installed with the others.
LIBDIR  := $(DESTDIR)$(PREFIX)/lib
MANDIR3 := $(DESTDIR)$(PREFIX)/share/man/man3
# Each function is found by its own name.
PROTECT_PAGES := $(addprefix nw_pkey_,alloc free get limit mprotect munmap set thread_create)
.PHONY: install-protect
install: install-protect
install-protect: $(LIBPROTECT_SO) $(LIBPROTECT_A) $(NWGUARD_SO) $(if $(shell command -v scdoc),$(NW_PROTECT_MAN))
	$(Q)install -D -t $(LIBDIR) $(B)/lib/$(LIBPROTECT_SONAME) $(NWGUARD_SO)
	$(Q)ln -sf $(LIBPROTECT_SONAME) $(LIBDIR)/libprotect.so
	$(Q)install -D -m 644 -t $(LIBDIR) $(LIBPROTECT_A)
	$(Q)mkdir -p $(LIBDIR)/pkgconfig
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' protect/lib/libprotect.pc.in > $(LIBDIR)/pkgconfig/libprotect.pc
	$(Q)$(if $(shell command -v scdoc),install -D -m 644 -t $(MANDIR3) $(NW_PROTECT_MAN))
	$(Q)$(if $(shell command -v scdoc),$(foreach name,$(PROTECT_PAGES),ln -sf nw_protect.3 $(MANDIR3)/$(name).3;))
