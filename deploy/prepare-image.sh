#!/bin/sh
# Installs hydrawatch from the working directory into a virtual environment that has its locked
# dependencies, compiles the kernels, and takes away what only building needs.
#
#   deploy/prepare-image.sh /opt/hydrawatch          with NUMBA_CACHE_DIR and NUMBA_CPU_NAME set
set -eu

: "${1:?give the virtual environment}" "${NUMBA_CACHE_DIR:?where the kernels shall be}"
python=$1/bin/python

"$python" -m pip install --no-deps --no-build-isolation --no-index .
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# Layers keep times in whole seconds. Numba holds a kernel for stale whose source has another time, and
# would compile all of them at every start.
find "$site/detectors" "$site/worlds" -name '*.py' -exec touch -d '2026-01-01 00:00:00Z' {} +

# From elsewhere, so that the installed package is what is imported.
cd /
"$python" -c 'from streams.worker.warm_up import warm_up; warm_up()'
if "$python" -c 'import sys; from streams.worker.warm_up import warm_up; sys.exit(not warm_up())'; then
  echo "the kernels were compiled a second time: the cache in $NUMBA_CACHE_DIR is not found" >&2
  exit 1
fi

"$python" -m pip uninstall --quiet --yes setuptools wheel pip
# Headers, sources and others' tests: a tenth of the image.
rm -rf "$site"/pyarrow/include "$site"/pyarrow/src "$site"/pyarrow/tests
find "$site" -type d \( -name tests -o -name test \) -path '*/scipy/*' -prune -exec rm -rf {} +
find "$site" -name '*.pyi' -delete
# By content, not by time: see above.
"$python" -m compileall -q -j 1 --invalidation-mode unchecked-hash "$site" || true
