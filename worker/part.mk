# what worker builds
