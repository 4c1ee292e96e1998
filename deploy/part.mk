# what deploy builds
