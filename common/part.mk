# what common builds
