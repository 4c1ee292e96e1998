# what engine builds
