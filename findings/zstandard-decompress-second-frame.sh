#!/usr/bin/env bash
# ZstdDecompressor().decompress() of what two writers appended to one file
#
# Guess: both contents, as gzip.decompress() gives them and the zstd program does
# Seen: the first one only, without an error; a reader with read_across_frames=True gives both
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check zstandard==0.25.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import gzip
import io

import zstandard

parts = (b'{"id": 1}\n', b'{"id": 2}\n')
appended = b"".join(map(zstandard.ZstdCompressor().compress, parts))
decompressor = zstandard.ZstdDecompressor()
at_once = decompressor.decompress(appended)
read = decompressor.stream_reader(io.BytesIO(appended), read_across_frames=True).read()
print("zstandard", zstandard.__version__, at_once, read)
assert gzip.decompress(b"".join(map(gzip.compress, parts))) == b"".join(parts)
assert (at_once, read) == (parts[0], b"".join(parts))
PYTHON
