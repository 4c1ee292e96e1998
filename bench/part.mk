# what bench builds
