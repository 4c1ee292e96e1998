# what protect builds
