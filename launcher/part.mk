# what launcher builds
