# what worker builds
include worker/test/part.mk
