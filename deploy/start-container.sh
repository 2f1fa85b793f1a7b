#!/bin/sh
# The image's entry point. Numba takes compiled kernels only from a folder that it may write to, which
# nothing in the image is: they are copied to where it may, 20 MB in a fraction of a second.
set -eu

if [ ! -d "$NUMBA_CACHE_DIR" ]; then
  cp -r "$(dirname "$(dirname "$(command -v hydrawatch)")")/kernels" "$NUMBA_CACHE_DIR.new"
  mv "$NUMBA_CACHE_DIR.new" "$NUMBA_CACHE_DIR"
fi
exec hydrawatch "$@"
