# what functions builds
