//! Checks over the whole of Tidegate; they are in `tests/`.
