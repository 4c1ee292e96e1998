# libcommon.a: what two or more processes share. Each source is its own object, so that a static program links only
# what it calls (mode_probe.c may write PKRU and manifest_json.c needs libcjson: neither belongs in a worker).
COMMON_SOURCES := $(addprefix common/,arena.c buffer.c channel.c control.c log.c manifest.c manifest_json.c mode.c \
                    mode_probe.c ring.c spawn.c status.c)
COMMON := $(B)/libcommon.a

$(COMMON): $(call objects,$(COMMON_SOURCES))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
