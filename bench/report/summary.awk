# The view of bench/compare as one picture.

END {
    summary()
}
